import type { EntityType } from "./entities";
import type { EntityPolicy } from "./policy";

const MULTI_LEADER = {
  topology: "multi-leader",
  durability: "region",
  residency: null,
  deletion: "last-write",
  record: true,
  author: null,
  collect: false,
  fields: {},
} as const satisfies Omit<EntityPolicy, "strategy">;

/** Rows that are written once: two versions of one differ by its tombstone alone. */
const APPEND_ONLY = {
  ...MULTI_LEADER,
  strategy: "last-write-wins",
  record: false,
  collect: true,
} as const satisfies EntityPolicy;

/**
 * The one source of how each entity is merged: scripts/migrate-runner.ts declares it to each
 * region's database.
 */
export const ENTITY_POLICIES = {
  // An account is answered for once: its loss with the leading region could not be told from a refusal.
  User: {
    ...MULTI_LEADER,
    topology: "single-leader",
    durability: "quorum",
    strategy: "last-write-wins",
  },
  Document: {
    ...MULTI_LEADER,
    strategy: "merge",
    deletion: "delete-wins",
    author: "updatedBy",
    collect: true,
    fields: {
      title: { strategy: "last-write-wins" },
      summary: { strategy: "manual" },
      content: { strategy: "text" },
      contentHead: { strategy: "last-write-wins", quiet: true },
      updatedAt: { strategy: "max", quiet: true },
      updatedBy: { strategy: "last-write-wins", quiet: true },
    },
  },
  // An observed-remove set of rows. Its ids are derived, so a share that ended may begin again
  // under the same id: the tombstone has to stay.
  Collaborator: {
    ...MULTI_LEADER,
    strategy: "merge",
    deletion: "update-wins",
    author: "updatedBy",
    fields: {
      role: { strategy: "last-write-wins" },
      createdAt: { strategy: "min", quiet: true },
      updatedAt: { strategy: "max", quiet: true },
      updatedBy: { strategy: "last-write-wins", quiet: true },
    },
  },
  DocumentVersion: APPEND_ONLY,
  DocumentUpdate: APPEND_ONLY,
  // A record of a choice between records would be one about itself.
  Conflict: APPEND_ONLY,
  ConflictResolution: { ...APPEND_ONLY, collect: false },
} as const satisfies Record<EntityType, EntityPolicy>;

export function entityPolicy(entityType: EntityType): EntityPolicy {
  return ENTITY_POLICIES[entityType];
}

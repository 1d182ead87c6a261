import type { EntityType } from "./entities";
import type { EntityPolicy, PolicyDefaults } from "./policy";

/** A policy that leaves its topology, its durability or both to the configuration. */
type EntityDeclaration = Omit<EntityPolicy, keyof PolicyDefaults> & Partial<PolicyDefaults>;

/** Takes DEFAULT_TOPOLOGY and DEFAULT_DURABILITY. */
const AS_CONFIGURED = {
  write: null,
  read: null,
  residency: null,
  deletion: "last-write",
  record: true,
  author: null,
  collect: false,
  fields: {},
} as const satisfies Omit<EntityDeclaration, "strategy">;

/** Written in every region, whatever is configured. */
const MULTI_LEADER = {
  ...AS_CONFIGURED,
  topology: "multi-leader",
  durability: "region",
} as const satisfies Omit<EntityPolicy, "strategy">;

/** Rows that are written once: two versions of one differ by its tombstone alone. */
const APPEND_ONLY = {
  strategy: "last-write-wins",
  record: false,
  collect: true,
} as const satisfies Partial<EntityDeclaration>;

/**
 * The one source of how each entity is merged: scripts/migrate-runner.ts declares it, with the
 * configured defaults, to each region's database.
 */
export const ENTITY_POLICIES = {
  // The address is unique because one region writes it; no merge could undo a second account.
  // An account is answered for once: its loss with the leading region could not be told from a refusal.
  User: {
    ...AS_CONFIGURED,
    topology: "single-leader",
    durability: "quorum",
    strategy: "last-write-wins",
  },
  // A document, its texts and its versions are written by one statement, so they go together. Each
  // field has a join: any topology will do.
  Document: {
    ...AS_CONFIGURED,
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
    ...AS_CONFIGURED,
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
  // Append-only rows never meet another version of themselves: any topology will do.
  DocumentVersion: { ...AS_CONFIGURED, ...APPEND_ONLY },
  DocumentUpdate: { ...AS_CONFIGURED, ...APPEND_ONLY },
  // Written by whichever region had to choose, in the transaction that applies another region's write:
  // a fence there would stop the stream, and nobody is there who could wait for other regions.
  // A record of a choice between records would be one about itself.
  Conflict: { ...MULTI_LEADER, ...APPEND_ONLY },
  // Written together with the row that is decided, and so wherever the topology of that one says.
  ConflictResolution: { ...MULTI_LEADER, ...APPEND_ONLY, collect: false },
} as const satisfies Record<EntityType, EntityDeclaration>;

export type EntityPolicies = Readonly<Record<EntityType, EntityPolicy>>;

/** Every entity's policy under the defaults that this installation is configured with. */
export function policiesUnder({ topology, durability }: PolicyDefaults): EntityPolicies {
  return Object.fromEntries(
    Object.entries(ENTITY_POLICIES).map(([name, declared]) => [
      name,
      { topology, durability, ...declared },
    ]),
  ) as EntityPolicies;
}

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

/** A part of a document is where the document is. */
const OF_DOCUMENT = {
  residency: { entity: "Document", by: "documentId" },
} as const satisfies Partial<EntityDeclaration>;

/** And an article's history where the article is. */
const OF_ARTICLE = {
  residency: { entity: "ContentItem", by: "contentId" },
} as const satisfies Partial<EntityDeclaration>;

/** A record is where the row is that it quotes. */
const OF_ITS_ROW = {
  residency: { entity: null, by: "placement" },
} as const satisfies Partial<EntityDeclaration>;

const QUIET = { strategy: "last-write-wins", quiet: true } as const;

/**
 * Written by a leader, once. All of a row's content is in `vouched`, after the epoch of the leader that
 * vouches for it: of two leaders' rows under one key the later one's counts, whatever their clocks said.
 */
const VOUCHED = {
  ...AS_CONFIGURED,
  topology: "single-leader",
  durability: "quorum",
  strategy: "merge",
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
    residency: { entity: "Document", by: "id" },
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
    ...OF_DOCUMENT,
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
  DocumentVersion: { ...AS_CONFIGURED, ...APPEND_ONLY, ...OF_DOCUMENT },
  DocumentUpdate: { ...AS_CONFIGURED, ...APPEND_ONLY, ...OF_DOCUMENT },
  // Written by whichever region had to choose, in the transaction that applies another region's write:
  // a fence there would stop the stream, and nobody is there who could wait for other regions.
  // A record of a choice between records would be one about itself.
  Conflict: { ...MULTI_LEADER, ...APPEND_ONLY, ...OF_ITS_ROW },
  // Written together with the row that is decided, and so wherever the topology of that one says.
  ConflictResolution: { ...MULTI_LEADER, ...APPEND_ONLY, ...OF_ITS_ROW, collect: false },
  // Where the rows of others may be. It says nothing of what is in them, and has to be everywhere; a move
  // has to be made where the rows are, whoever leads.
  Placement: { ...MULTI_LEADER, strategy: "last-write-wins", record: false },
  // Who a person is, where that may be known. Nobody else has to ask for it, and a move is made where it is;
  // no record quotes an address.
  Profile: {
    ...MULTI_LEADER,
    strategy: "last-write-wins",
    record: false,
    collect: true,
    residency: { entity: "User", by: "id" },
  },
  // What the fault lab watches a failover with: it needs a leader, and asks for each durability in turn.
  LabRow: {
    ...AS_CONFIGURED,
    ...APPEND_ONLY,
    topology: "single-leader",
    durability: "region",
  },
  // Sold from in every region at once: a leader would be asked for each unit, and a last write would sell
  // what another region had sold.
  Product: {
    ...MULTI_LEADER,
    strategy: "merge",
    fields: { stock: { strategy: "bounded-counter" } },
  },
  // Made and settled in one region, so two versions meet only where that rule was broken: that is recorded.
  Reservation: { ...MULTI_LEADER, strategy: "last-write-wins" },
  // Of a player's scores the best one stays, wherever they were reached.
  PlayerScore: {
    ...MULTI_LEADER,
    strategy: "merge",
    fields: {
      best: { strategy: "max", quiet: true },
      name: { strategy: "last-write-wins", quiet: true },
      regionId: { strategy: "last-write-wins", quiet: true },
    },
  },
  // Paid once: what a buyer owes is an invariant, and a key that two leaders took is one order still.
  Order: {
    ...VOUCHED,
    fields: {
      vouched: { strategy: "max" },
      key: QUIET,
      userId: QUIET,
      reservationId: QUIET,
      regionId: QUIET,
      productId: QUIET,
      quantity: QUIET,
      amountMinor: QUIET,
      paymentId: QUIET,
      createdAt: QUIET,
      closedAt: QUIET,
    },
  },
  LedgerTransfer: {
    ...VOUCHED,
    fields: {
      vouched: { strategy: "max" },
      key: QUIET,
      userId: QUIET,
      debitAccount: QUIET,
      creditAccount: QUIET,
      amountMinor: QUIET,
      orderId: QUIET,
      createdAt: QUIET,
    },
  },
  // Texts are decided by a person. What is public and what is scheduled are the latest decision, which no row
  // that has decided nothing can undo; what is quiet stands in the history that each change adds to.
  ContentItem: {
    ...MULTI_LEADER,
    residency: { entity: "ContentItem", by: "id" },
    strategy: "merge",
    author: "updatedBy",
    fields: {
      title: { strategy: "manual" },
      body: { strategy: "manual" },
      stage: { strategy: "last-write-wins", quiet: true },
      live: { strategy: "max", quiet: true },
      schedule: { strategy: "max", quiet: true },
      authorId: { strategy: "first-write-wins", quiet: true },
      createdAt: { strategy: "min", quiet: true },
      updatedAt: { strategy: "max", quiet: true },
      updatedBy: { strategy: "last-write-wins", quiet: true },
    },
  },
  ContentVersion: { ...MULTI_LEADER, ...APPEND_ONLY, ...OF_ARTICLE },
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

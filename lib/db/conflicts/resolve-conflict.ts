import type { WriteMark } from "@/lib/db/read-your-writes";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { isBehind } from "./attempt-write";
import {
  DELETION,
  joinedClock,
  sameJson,
  WHOLE_ROW,
  type Choice,
  type ConflictVersion,
  type Json,
} from "./conflict-record";
import { findConflict, recordResolution, type ConflictRecord } from "./conflict-store";
import { heldVersions, unseenVersions } from "./register-versions";
import type { VectorClock } from "./vector-clock";
import {
  findWritableEntity,
  NotWritableError,
  type StoredRow,
  type WritableEntity,
  type WritableType,
} from "./writable-entities";

/**
 * What is decided: one of the record's versions by its index, or a value. For the whole row a value
 * is an object of columns, for a deletion `{ "deletedAt": instant or null }`.
 */
export type Resolution = ({ take: number } | { choice: Choice; value: Json }) & {
  /**
   * The joined clock of everything that was shown; by default that of the record's versions. A
   * version that it does not include makes the decision stale.
   */
  shown?: VectorClock;
};

/** Writes a document's text on top of `base`, by the text's own means. */
export type WriteText = (
  documentId: string,
  content: string,
  base: VectorClock,
) => Promise<
  { kind: "written"; clock: VectorClock; mark: WriteMark } | { kind: "stale" } | { kind: "refused" }
>;

/** What a field holds now. */
export interface HeldState {
  versions: ConflictVersion[];
  clock: VectorClock;
  deletedAt: string | null;
}

export type ResolveOutcome =
  /** `mark`: the transaction that wrote both the field and the decision. */
  | { kind: "resolved"; choice: Choice; value: Json; clock: VectorClock; mark: WriteMark }
  /** The field holds a version that was not shown. Nothing was written. */
  | { kind: "stale"; state: HeldState }
  /** The region has not got all that was shown: decide again in a moment, or in another region. */
  | { kind: "behind" }
  | { kind: "invalid"; message: string }
  /** No such conflict, or its row is unknown here. */
  | { kind: "not-found" };

export interface ResolveContext {
  db: PrismaClient;
  /** The writer of the leading region, for an entity that is written there alone; else null. */
  leader: (entityType: WritableType) => PrismaClient | null;
  writeText?: WriteText;
}

const TEXT_ENTITY = "Document";
const TEXT_FIELD = "content";
const ATTEMPTS = 8;

/** See `WriteConflictManager.resolveConflict`. */
export async function resolveConflict(
  conflictId: string,
  resolution: Resolution,
  resolvedBy: string,
  { db: near, leader, writeText }: ResolveContext,
): Promise<ResolveOutcome> {
  const conflict = await findConflict(near, conflictId);
  const entity = conflict && findWritableEntity(conflict.entityType);
  if (!conflict || !entity) return { kind: "not-found" };
  const db = leader(conflict.entityType as WritableType) ?? near;
  const decided = decide(conflict, resolution);
  if ("message" in decided) return { kind: "invalid", message: decided.message };
  const shown = resolution.shown ?? joinedClock(conflict.versions);
  const decision: Decision = { conflict, entity, shown, resolvedBy, ...decided };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const row = await entity.find(db, conflict.entityId);
    if (!row) return { kind: "not-found" };
    const { field } = conflict;
    if (unseenVersions(row, field, shown).length > 0) {
      return { kind: "stale", state: heldState(row, field) };
    }
    try {
      const outcome =
        conflict.entityType === TEXT_ENTITY && field === TEXT_FIELD
          ? await writeDecidedText(db, decision, row, writeText)
          : await writeDecision(db, decision, row);
      if (outcome) return outcome;
    } catch (error) {
      if (isBehind(error)) return { kind: "behind" };
      if (error instanceof NotWritableError) return { kind: "invalid", message: error.message };
      throw error;
    }
  }
  // Somebody kept writing other fields of the row; what was shown is still what there is.
  return { kind: "behind" };
}

export function heldState(row: StoredRow, field: string): HeldState {
  return { versions: heldVersions(row, field), clock: row.clock, deletedAt: row.deletedAt };
}

interface Decision {
  conflict: ConflictRecord;
  entity: WritableEntity;
  choice: Choice;
  value: Json;
  shown: VectorClock;
  resolvedBy: string;
}

function decide(
  { versions }: ConflictRecord,
  resolution: Resolution,
): { choice: Choice; value: Json } | { message: string } {
  if (!("take" in resolution)) return { choice: resolution.choice, value: resolution.value };
  const version = versions[resolution.take];
  if (!version) return { message: "The conflict has no such version." };
  return { choice: version.won ? "kept" : "restored", value: version.value };
}

/** The columns that a decision sets, or a sentence about why it can't be one. */
function columnsOf({
  conflict: { field },
  entity,
  value,
}: Decision): Record<string, Json> | string {
  if (field !== WHOLE_ROW && field !== DELETION) return { [field]: value };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "A decision about a row is an object of its columns.";
  }
  const given = value as Readonly<Record<string, Json>>;
  if (field === DELETION) {
    const { deletedAt = null } = given;
    return { deletedAt };
  }
  // What a row holds besides, such as its owner, is not changed by a decision.
  const columns = entity.columns.filter((column) => Object.hasOwn(given, column));
  if (columns.length === 0) return "None of these columns can be written.";
  return Object.fromEntries(columns.map((column) => [column, given[column] ?? null]));
}

/** The write and the record of the decision, together. Null where the row changed meanwhile. */
async function writeDecision(
  db: PrismaClient,
  decision: Decision,
  row: StoredRow,
): Promise<ResolveOutcome | null> {
  const { conflict, entity, choice, value, shown, resolvedBy } = decision;
  const columns = columnsOf(decision);
  if (typeof columns === "string") return { kind: "invalid", message: columns };
  return db.$transaction(async (tx) => {
    const options = { when: row.clock, base: shown, author: resolvedBy, decides: conflict.field };
    const written = await entity.update(tx, row.id, columns, options);
    const after = written ?? (await entity.find(tx, row.id));
    // Nothing was left to write: the row has the value already.
    if (!after || (!written && !holds(after, conflict.field, columns))) return null;
    const mark = await recordResolution(tx, {
      id: conflict.id,
      choice,
      value,
      writtenClock: after.clock,
      resolvedBy,
    });
    return { kind: "resolved", choice, value, clock: after.clock, mark };
  });
}

function holds(row: StoredRow, field: string, columns: Readonly<Record<string, Json>>): boolean {
  return (
    heldVersions(row, field).length === 1 &&
    Object.entries(columns).every(([column, value]) =>
      column === "deletedAt"
        ? (value === null) === (row.deletedAt === null)
        : sameJson(row.values[column] ?? null, value),
    )
  );
}

/** A text is not this module's to write, so its decision is recorded after it, and may be repeated. */
async function writeDecidedText(
  db: PrismaClient,
  { conflict, entity, choice, value, shown, resolvedBy }: Decision,
  row: StoredRow,
  writeText: WriteText | undefined,
): Promise<ResolveOutcome> {
  if (typeof value !== "string") return { kind: "invalid", message: "A text is expected." };
  let clock = row.clock;
  let mark: WriteMark | undefined;
  if (row.values[TEXT_FIELD] !== value) {
    if (!writeText) return { kind: "invalid", message: "This text can't be written from here." };
    const outcome = await writeText(row.id, value, shown);
    if (outcome.kind === "stale") {
      const now = (await entity.find(db, row.id)) ?? row;
      return { kind: "stale", state: heldState(now, TEXT_FIELD) };
    }
    if (outcome.kind === "refused") {
      return { kind: "invalid", message: "The document does not take this text." };
    }
    ({ clock, mark } = outcome);
  }
  const recorded = await recordResolution(db, {
    id: conflict.id,
    choice,
    value,
    writtenClock: clock,
    resolvedBy,
  });
  return { kind: "resolved", choice, value, clock, mark: mark ?? recorded };
}

import type { WriteEvent } from "@/lib/db/geo-replication";
import type { WriteMark } from "@/lib/db/read-your-writes";
import { sqlState } from "@/lib/db/regions/faults";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import {
  DELETION,
  hlcText,
  sameJson,
  WHOLE_ROW,
  type ConflictVersion,
  type Json,
  type WriteStrategy,
} from "./conflict-record";
import {
  conflictsOfWrite,
  latestConflicts,
  recordConflict,
  type ConflictRef,
} from "./conflict-store";
import type { EntityType } from "./entities";
import { nextHlc, toHlc } from "./hlc";
import { heldVersions, unseenVersions } from "./register-versions";
import { compareClocks, type VectorClock } from "./vector-clock";
import { writableEntity, type Db, type StoredRow, type WritableEntity } from "./writable-entities";

export interface WriteOperation {
  entityType: EntityType;
  entityId: string;
  /** New values of columns. `deletedAt`: an instant deletes the row, null brings it back. */
  changes: Readonly<Record<string, Json | Date>>;
  /** The clock of the version that the change started from. */
  baseVersion: VectorClock;
  /** Recorded as the author, where the entity has one. */
  userId?: string;
  /** Where to write; by default the current region. A single-leader entity's is its leader. */
  regionId?: string;
}

export interface MergeInput {
  /** The columns of `changes` as the base version had them, where that version is still known. */
  base?: Readonly<Record<string, Json>>;
  current: Readonly<Record<string, Json>>;
  incoming: Readonly<Record<string, Json | Date>>;
}

/** Computes what to write instead. May run several times: the row may change in between. */
export type MergeFunction = (input: MergeInput) => Readonly<Record<string, Json | Date>>;

/** What became of a write. Nothing but `written` has changed the row. */
export type AttemptOutcome =
  /** `conflicts`: what was recorded with it, losers included; open ones wait for a person. */
  | {
      kind: "written";
      event: WriteEvent;
      clock: VectorClock;
      row: StoredRow;
      conflicts: ConflictRef[];
    }
  /** The first write was kept and this one recorded as the loser. */
  | { kind: "kept"; current: StoredRow; conflictId: string; recorded: WriteMark }
  /** Both versions are recorded, and a person decides. */
  | { kind: "open"; current: StoredRow; conflictId: string; recorded: WriteMark }
  /** There was nothing to change, or the row is deleted for good. */
  | { kind: "unchanged"; current: StoredRow }
  /** The region has not got the base version yet: wait, or write in another one. */
  | { kind: "behind"; current: StoredRow | null }
  /** Others kept writing: every attempt found another version than the one it was made for. */
  | { kind: "contended"; current: StoredRow }
  | { kind: "not-found" };

export interface AttemptContext {
  db: PrismaClient;
  /** The region that `db` is in. */
  regionId: string;
  strategy?: WriteStrategy;
  /** Required for `merge` and `custom`. */
  merge?: MergeFunction;
  /** The strategy that the entity declares for a field; see `declaredStrategy`. */
  declared: (entityType: EntityType, field: string) => string;
}

/** Attempts of a write that computes its values from what it finds. */
const ATTEMPTS = 8;

/** Raised by a region that has not got the version that a write starts from (`mr.stale_base`). */
const BEHIND = "MR004";

export const isBehind = (error: unknown): boolean => sqlState(error) === BEHIND;

/** See `WriteConflictManager.attemptWrite`. */
export async function attemptWrite(
  operation: WriteOperation,
  context: AttemptContext,
): Promise<AttemptOutcome> {
  const { strategy, declared, merge } = context;
  const entity = writableEntity(operation.entityType);
  if ((strategy === "merge" || strategy === "custom") && !merge) {
    throw new TypeError(`The strategy ${strategy} needs a function that merges`);
  }
  const fields = fieldsOf(operation.changes);
  if (fields.length === 0) throw new TypeError("A write without changes");
  // What the entity declares anyway, the database does in one statement.
  const asDeclared =
    strategy === undefined ||
    (merge === undefined && fields.every((f) => declared(operation.entityType, f) === strategy));
  if (asDeclared) return writeAsDeclared(operation, entity, context);
  return writeByStrategy(operation, entity, { ...context, strategy });
}

const fieldsOf = (changes: WriteOperation["changes"]): string[] =>
  Object.keys(changes).map((column) => (column === "deletedAt" ? DELETION : column));

/** One statement: the database compares the base, and applies the entity's strategies. */
async function writeAsDeclared(
  operation: WriteOperation,
  entity: WritableEntity,
  { db }: AttemptContext,
): Promise<AttemptOutcome> {
  const { entityType, entityId, changes, baseVersion, userId } = operation;
  let row: StoredRow | null;
  try {
    row = await entity.update(db, entityId, changes, { base: baseVersion, author: userId });
  } catch (error) {
    if (!isBehind(error)) throw error;
    return { kind: "behind", current: await entity.find(db, entityId) };
  }
  if (row) {
    const fresh = compareClocks(row.clock, nextOf(baseVersion, row.origin)) === "equal";
    const conflicts = fresh ? [] : await conflictsOfWrite(db, entityType, entityId, row);
    return written(operation, row, conflicts);
  }
  const current = await entity.find(db, entityId);
  if (!current) return { kind: "not-found" };
  const refused = (await latestConflicts(db, entityType, entityId)).find(
    ({ field, strategy, versions }) =>
      strategy === "first-write-wins" &&
      versions.some(({ won, value }) => !won && sameJson(value, incoming(operation, [field]))),
  );
  return refused
    ? { kind: "kept", current, conflictId: refused.id, recorded: refused.mark }
    : { kind: "unchanged", current };
}

const nextOf = (clock: VectorClock, actor: string): VectorClock => ({
  ...clock,
  [actor]: (clock[actor] ?? 0) + 1,
});

function written(
  operation: WriteOperation,
  row: StoredRow,
  conflicts: ConflictRef[],
): AttemptOutcome {
  const { entityType, entityId } = operation;
  const { origin, position, clock } = row;
  const event = { entityType, entityId, origin, position };
  return { kind: "written", event, clock, row, conflicts };
}

type ByStrategy = AttemptContext & { strategy: WriteStrategy };

/** For a strategy that is not the declared one: compare and set, until nobody was in between. */
async function writeByStrategy(
  operation: WriteOperation,
  entity: WritableEntity,
  context: ByStrategy,
): Promise<AttemptOutcome> {
  const { entityId, changes, baseVersion, userId: author } = operation;
  const { db } = context;
  let current: StoredRow | null = null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Without a conflict this is the only statement.
    if (attempt === 0) {
      const row = await entity.update(db, entityId, changes, { when: baseVersion, author });
      if (row) return written(operation, row, []);
    }
    current = await entity.find(db, entityId);
    if (!current) return { kind: "not-found" };
    const order = compareClocks(baseVersion, current.clock);
    if (order === "after" || order === "concurrent") return { kind: "behind", current };
    const outcome = await settle(operation, entity, current, context);
    if (outcome) return outcome;
  }
  if (!current) return { kind: "not-found" };
  return { kind: "contended", current };
}

/** Null where the row changed meanwhile. */
async function settle(
  operation: WriteOperation,
  entity: WritableEntity,
  current: StoredRow,
  { db, regionId, strategy, merge }: ByStrategy,
): Promise<AttemptOutcome | null> {
  const { entityType, entityId, changes, baseVersion, userId: author } = operation;
  const contested = fieldsOf(changes).filter(
    (field) => unseenVersions(current, field, baseVersion).length > 0,
  );
  const when = current.clock;
  if (contested.length === 0) {
    const row = await entity.update(db, entityId, changes, { when, author });
    return row && written(operation, row, []);
  }
  const record = { entityType, entityId, detectedIn: regionId, strategy };
  if (strategy === "first-write-wins" || strategy === "manual") {
    // One record for one write: it was refused as a whole.
    const fields = fieldsOf(changes);
    const field = fields.length === 1 && fields[0] !== undefined ? fields[0] : WHOLE_ROW;
    const held = heldOf(current, field, fields);
    const loser = refusedVersion(operation, incoming(operation, fields), regionId, current);
    const outcome = strategy === "manual" ? "open" : "resolved";
    const versions = [...held, loser];
    const { id, mark } = await recordConflict(db, { ...record, field, outcome, versions }, [
      ...held.map(dot),
      JSON.stringify([loser.value, loser.clock]),
    ]);
    const kind = strategy === "manual" ? "open" : "kept";
    return { kind, current, conflictId: id, recorded: mark };
  }
  const computed =
    merge?.({
      base: await baseValues(db, operation),
      current: { ...current.values, deletedAt: current.deletedAt },
      incoming: changes,
    }) ?? changes;
  return db.$transaction(async (tx) => {
    const row = await entity.update(tx, entityId, computed, { when, author });
    if (!row) return null;
    const conflicts: ConflictRef[] = [];
    for (const field of contested) {
      const won: ConflictVersion = {
        ...refusedVersion(operation, incoming({ changes: computed }, [field]), row.origin, row),
        clock: row.clock,
        hlc: hlcText(row.hlc),
        count: row.clock[row.origin] ?? 0,
        won: true,
      };
      const lost = heldVersions(current, field).map((held) => ({ ...held, won: false }));
      // A merged value is neither of the two, and both are what it was made from.
      const mine = refusedVersion(operation, incoming(operation, [field]), regionId, current);
      const versions = [won, ...lost, ...(merge ? [mine] : [])].filter(
        (version, index) => index === 0 || !sameJson(version.value, won.value),
      );
      if (versions.length === 1) continue;
      const { id } = await recordConflict(
        tx,
        { ...record, field, outcome: "resolved", versions },
        versions.map(dot),
      );
      conflicts.push({ id, field, outcome: "resolved" });
    }
    return written(operation, row, conflicts);
  });
}

const dot = ({ origin, count }: ConflictVersion): string => `${origin}:${count}`;

/** The values of fields as a record has them: of one field its value, of several an object. */
function incoming({ changes }: Pick<WriteOperation, "changes">, fields: readonly string[]): Json {
  const json = (column: string): Json => {
    const value = changes[column];
    return value instanceof Date ? value.toISOString() : (value ?? null);
  };
  const [field] = fields;
  if (fields.length === 1 && field === DELETION) return { deletedAt: json("deletedAt") };
  if (fields.length === 1 && field !== undefined && field !== WHOLE_ROW) return json(field);
  return Object.fromEntries(Object.keys(changes).map((column) => [column, json(column)]));
}

function heldOf(current: StoredRow, field: string, fields: readonly string[]): ConflictVersion[] {
  if (field !== WHOLE_ROW) return heldVersions(current, field);
  const values = Object.fromEntries(
    fields.map((name) =>
      name === DELETION ? ["deletedAt", current.deletedAt] : [name, current.values[name] ?? null],
    ),
  );
  return heldVersions(current, WHOLE_ROW).map((version) => ({ ...version, value: values }));
}

/** A version that was never stored: it has no place in a clock of its own, only its base. */
function refusedVersion(
  { baseVersion, userId }: WriteOperation,
  value: Json,
  origin: string,
  current: StoredRow,
): ConflictVersion {
  return {
    value,
    clock: baseVersion,
    hlc: hlcText(nextHlc(toHlc(current.hlc), Date.now())),
    origin,
    count: 0,
    author: userId ?? null,
    won: false,
  };
}

/** A document's saved states carry the clock that it had with them. */
async function baseValues(
  db: Db,
  { entityType, entityId, baseVersion, changes }: WriteOperation,
): Promise<Record<string, Json> | undefined> {
  if (entityType !== "Document") return undefined;
  const version = await db.documentVersion.findFirst({
    where: { documentId: entityId, documentClock: { equals: baseVersion }, deletedAt: null },
    select: { title: true, summary: true },
  });
  if (!version) return undefined;
  const known: Record<string, Json> = { ...version };
  return Object.fromEntries(Object.entries(known).filter(([column]) => column in changes));
}

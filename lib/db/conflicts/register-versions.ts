import { DELETION, hlcText, WHOLE_ROW, type ConflictVersion, type Json } from "./conflict-record";
import { compareClocks, type VectorClock } from "./vector-clock";
import type { StoredRow } from "./writable-entities";

/*
 * What a row's column `merge` says of one field: which write its value is from, or, where nobody
 * has chosen yet, which values stand beside each other.
 */

interface Stamp {
  h: string;
  o: string;
  n: number;
  u?: string | null;
}

function isStamp(value: unknown): value is Stamp {
  if (typeof value !== "object" || value === null) return false;
  const { h, o, n } = value as Partial<Stamp>;
  return typeof h === "string" && typeof o === "string" && typeof n === "number";
}

const rowStamp = (row: StoredRow): Stamp => ({
  h: hlcText(row.hlc),
  o: row.origin,
  n: row.clock[row.origin] ?? 0,
  u: row.author,
});

function stateOf(row: StoredRow, field: string): Json | Stamp {
  const state = row.merge ?? {};
  // A key that begins with "$" is no register but the row's own bookkeeping.
  return (field.startsWith("$") ? undefined : state[field]) ?? state.$0 ?? rowStamp(row);
}

/** The value as JSON: a deletion's is whether the row is deleted, the whole row's all its columns. */
function valueOf(row: StoredRow, field: string): Json {
  if (field === DELETION) return { ...row.values, deletedAt: row.deletedAt };
  return field === WHOLE_ROW ? row.values : (row.values[field] ?? null);
}

/**
 * The versions that a field holds now, the one that is shown first. More than one where it waits
 * for a decision.
 */
export function heldVersions(row: StoredRow, field: string): ConflictVersion[] {
  const state = stateOf(row, field);
  const siblings: readonly unknown[] = Array.isArray(state) ? state : [];
  const versions = siblings.flatMap((sibling, index) =>
    isStamp(sibling) && "v" in sibling
      ? [toVersion(row, sibling, sibling.v as Json, index === 0)]
      : [],
  );
  if (versions.length > 0) return versions;
  const whole = field === WHOLE_ROW || field === DELETION || !isStamp(state);
  return [toVersion(row, whole ? rowStamp(row) : state, valueOf(row, field), true)];
}

function toVersion(row: StoredRow, stamp: Stamp, value: Json, won: boolean): ConflictVersion {
  return {
    value,
    clock: row.clock,
    hlc: stamp.h,
    origin: stamp.o,
    count: stamp.n,
    author: stamp.u ?? null,
    won,
  };
}

/**
 * Versions of a field that a clock does not include: what somebody who saw that clock has not seen.
 * For a deletion, and for the whole row, that is any write of the row.
 */
export function unseenVersions(
  row: StoredRow,
  field: string,
  clock: VectorClock,
): ConflictVersion[] {
  const versions = heldVersions(row, field);
  const register = field in (row.merge ?? {}) ? row.merge?.[field] : row.merge?.$0;
  const precise =
    field !== WHOLE_ROW && field !== DELETION && (Array.isArray(register) || isStamp(register));
  if (precise) return versions.filter(({ origin, count }) => (clock[origin] ?? 0) < count);
  const order = compareClocks(clock, row.clock);
  return order === "equal" || order === "after" ? [] : versions;
}

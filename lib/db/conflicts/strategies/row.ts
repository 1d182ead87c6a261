import { type Json } from "@/lib/db/conflicts/conflict-record";
import { type Hlc } from "@/lib/db/conflicts/hlc";
import {
  fieldPolicy,
  META_COLUMNS,
  type EntityPolicy,
  type FieldPolicy,
} from "@/lib/db/conflicts/policy";
import { type VectorClock } from "@/lib/db/conflicts/vector-clock";
import { countOf, makeStamp, type Stamp } from "./stamp";

/** A version of a replicated row. */
export interface Row {
  readonly id: string;
  /** Data columns by name, as JSON. */
  readonly values: Readonly<Record<string, Json>>;
  /** ISO 8601 in UTC, with milliseconds. */
  readonly deletedAt: string | null;
  readonly clock: VectorClock;
  readonly hlc: Hlc;
  readonly origin: string;
  readonly position?: bigint;
  readonly merge: MergeState;
}

/**
 * The column `merge`: by register its state, where that differs from the one by the row's insert,
 * and under names that begin with "$" what is about the row as a whole.
 */
export type MergeState = { readonly [key: string]: Json };

/** Key of the stamp of the row's insert. Of two concurrent inserts of one id: of the later one. */
export const ZERO = "$0";
/** The register of all columns, and of the deletion time where that is a register. */
export const WHOLE = "*";
export const DELETED_AT = "deletedAt";

export interface Register extends FieldPolicy {
  readonly name: string;
}

const META: ReadonlySet<string> = new Set(META_COLUMNS);

export const isDataColumn = (name: string): boolean => !META.has(name);

/** Of a row that has these columns. */
export function registersOf(policy: EntityPolicy, columns: readonly string[]): Register[] {
  const registers: Register[] =
    policy.strategy === "merge"
      ? columns.map((name) => ({ name, ...fieldPolicy(policy, name) }))
      : [{ name: WHOLE, strategy: policy.strategy }];
  return policy.deletion === "last-write"
    ? [...registers, { name: DELETED_AT, strategy: "last-write-wins" }]
    : registers;
}

export function registerValue({ name }: Register, row: Row): Json {
  if (name === WHOLE) return row.values;
  if (name === DELETED_AT) return row.deletedAt;
  return row.values[name] ?? null;
}

/** The stamp of the row's last write. */
export function rowStamp({ author }: EntityPolicy, row: Row): Stamp {
  const by = author === null ? null : (row.values[author] ?? null);
  return makeStamp(row.hlc, row.origin, countOf(row.clock, row.origin), by);
}

/** A row from before its entity had registers is taken as inserted by its last write. */
export function zeroStamp(policy: EntityPolicy, row: Row): Stamp {
  return Object.hasOwn(row.merge, ZERO) ? (row.merge[ZERO] as Stamp) : rowStamp(policy, row);
}

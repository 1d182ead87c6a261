import { type ConflictVersion, type Json } from "@/lib/db/conflicts/conflict-record";
import { hasState, type EntityPolicy } from "@/lib/db/conflicts/policy";
import { compareClocks, mergeClocks } from "@/lib/db/conflicts/vector-clock";
import { type Choice } from "./choices";
import { type LifeSide } from "./deletion";
import { toVersion, type Held } from "./register";
import {
  DELETED_AT,
  registersOf,
  registerValue,
  rowStamp,
  WHOLE,
  ZERO,
  zeroStamp,
  type MergeState,
  type Register,
  type Row,
} from "./row";
import { same } from "./same";
import { hasSeen, isLater, type Stamp } from "./stamp";
import { JOIN_TYPES, type JoinTypes } from "./types";

/** The join of two versions of a row, and the choices between them that it made. */
export interface MergedRows {
  readonly row: Row;
  readonly choices: readonly Choice[];
}

/**
 * The least version that includes both: what `mr.merge_rows` in the database makes. The join is
 * commutative, associative and idempotent, and equals the one version where that includes the
 * other.
 */
export function mergeRows(
  policy: EntityPolicy,
  a: Row,
  b: Row,
  types: JoinTypes = JOIN_TYPES,
): MergedRows {
  const [x, y] = [sideOf(policy, a), sideOf(policy, b)];
  const later = isLater(y.stamp, x.stamp) ? y : x;
  const clock = mergeClocks(a.clock, b.clock);
  if (!hasState(policy)) {
    return { row: { ...later.row, clock }, choices: wholeRowChoice(later, later === x ? y : x) };
  }

  const zero = isLater(y.zero, x.zero) ? y.zero : x.zero;
  const values: Record<string, Json> = {};
  const merge: Record<string, Json> = { [ZERO]: zero };
  const choices: Choice[] = [];
  let row: Row = { ...later.row, clock };
  for (const register of registersOf(policy, Object.keys(a.values))) {
    const { name, strategy, quiet } = register;
    const type = types.registers[strategy];
    const joined = type.join(heldBy(x, register, types), heldBy(y, register, types));
    // What follows from the insert is not stored, so that equal rows are equal byte for byte.
    if (!same(joined.state, type.initial(zero, joined.value))) merge[name] = joined.state;
    if (name === WHOLE) Object.assign(values, joined.value);
    else if (name === DELETED_AT) row = { ...row, deletedAt: joined.value as string | null };
    else values[name] = joined.value;
    if (joined.versions && !quiet)
      choices.push({ field: name, strategy, versions: joined.versions });
  }
  if (policy.deletion !== "last-write") {
    const life = types.deletions[policy.deletion].join(x, y);
    Object.assign(merge, life.entries);
    row = { ...row, deletedAt: life.deletedAt };
    if (life.versions) {
      choices.push({ field: "$deleted", strategy: policy.deletion, versions: life.versions });
    }
  }
  // Where one includes the other, whoever wrote it has chosen.
  const concurrent = compareClocks(a.clock, b.clock) === "concurrent";
  return { row: { ...row, values, merge }, choices: concurrent ? choices : [] };
}

export function joinRows(policy: EntityPolicy, a: Row, b: Row, types?: JoinTypes): Row {
  return mergeRows(policy, a, b, types).row;
}

export function sideOf(policy: EntityPolicy, row: Row): LifeSide {
  return { row, zero: zeroStamp(policy, row), stamp: rowStamp(policy, row) };
}

/** A register as a version of the row holds it. */
export function heldBy({ row, zero }: LifeSide, register: Register, types: JoinTypes): Held {
  const value = registerValue(register, row);
  const state = storedState(row.merge, register.name);
  return {
    state: state ?? types.registers[register.strategy].initial(zero, value),
    value,
    clock: row.clock,
  };
}

const storedState = (merge: MergeState, name: string): Json | undefined =>
  Object.hasOwn(merge, name) ? merge[name] : undefined;

export const wholeRow = ({ values, deletedAt }: Row): Json => ({
  ...values,
  [DELETED_AT]: deletedAt,
});

export const wholeRowVersion = (row: Row, stamp: Stamp, won: boolean): ConflictVersion =>
  toVersion(wholeRow(row), row.clock, stamp, won);

function wholeRowChoice(won: LifeSide, lost: LifeSide): Choice[] {
  if (same(wholeRow(won.row), wholeRow(lost.row))) return [];
  if (hasSeen(won.row.clock, lost.stamp) || hasSeen(lost.row.clock, won.stamp)) return [];
  const versions = [
    wholeRowVersion(won.row, won.stamp, true),
    wholeRowVersion(lost.row, lost.stamp, false),
  ];
  return [{ field: WHOLE, strategy: "last-write-wins", versions }];
}

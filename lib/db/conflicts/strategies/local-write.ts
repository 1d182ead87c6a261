import { type Json } from "@/lib/db/conflicts/conflict-record";
import { nextHlc } from "@/lib/db/conflicts/hlc";
import { hasState, type EntityPolicy } from "@/lib/db/conflicts/policy";
import { compareClocks, incrementClock, type VectorClock } from "@/lib/db/conflicts/vector-clock";
import { transferRights } from "./bounded-counter";
import { type Choice } from "./choices";
import { type LifeSide } from "./deletion";
import { heldBy, sideOf, wholeRow, wholeRowVersion } from "./join-rows";
import {
  DELETED_AT,
  isDataColumn,
  registersOf,
  registerValue,
  rowStamp,
  WHOLE,
  ZERO,
  type Row,
} from "./row";
import { same } from "./same";
import { hasSeen } from "./stamp";
import { JOIN_TYPES, type JoinTypes } from "./types";

export interface LocalWrite {
  readonly actor: string;
  readonly nowMs: number;
  /** Columns by name, `deletedAt` among them. An insert names all columns, and `id`. */
  readonly changes: Readonly<Record<string, Json>>;
  /** The clock of the version that the writer started from. Without it: of the one there. */
  readonly base?: VectorClock;
  readonly author?: string;
  /** Moves the actor's rights of a bounded counter. */
  readonly transfer?: { readonly field: string; readonly to: string; readonly amount: number };
}

/**
 * `unchanged`: all that was written lost to what was there. `behind`: the base includes something
 * that the row lacks. `no-rights`: a bounded counter would go below what the actor may take.
 */
export type LocalWriteOutcome =
  | { readonly kind: "written"; readonly row: Row; readonly choices: readonly Choice[] }
  | { readonly kind: "unchanged"; readonly choices: readonly Choice[] }
  | { readonly kind: "behind" }
  | { readonly kind: "no-rights" };

/** What the triggers of a replicated table make of an INSERT (`row` null) or UPDATE in a region. */
export function writeRow(
  policy: EntityPolicy,
  row: Row | null,
  write: LocalWrite,
  types: JoinTypes = JOIN_TYPES,
): LocalWriteOutcome {
  const authored = policy.author !== null && write.author !== undefined;
  const changes = authored
    ? { ...write.changes, [policy.author as string]: write.author as string }
    : write.changes;
  return row === null
    ? { kind: "written", row: insert(policy, changes, write, types), choices: [] }
    : update(policy, row, changes, write, types);
}

type Changes = LocalWrite["changes"];

const dataOf = (changes: Changes) =>
  Object.fromEntries(Object.entries(changes).filter(([name]) => isDataColumn(name)));

function insert(policy: EntityPolicy, changes: Changes, write: LocalWrite, types: JoinTypes): Row {
  const row: Row = {
    id: String(changes.id),
    values: dataOf(changes),
    deletedAt: (changes[DELETED_AT] ?? null) as string | null,
    clock: { [write.actor]: 1 },
    hlc: nextHlc(null, write.nowMs),
    origin: write.actor,
    merge: {},
  };
  if (!hasState(policy)) return row;
  const zero = rowStamp(policy, row);
  const life =
    policy.deletion === "last-write"
      ? {}
      : types.deletions[policy.deletion].initial(row.deletedAt, zero);
  return { ...row, merge: { [ZERO]: zero, ...life } };
}

function update(
  policy: EntityPolicy,
  old: Row,
  changes: Changes,
  write: LocalWrite,
  types: JoinTypes,
): LocalWriteOutcome {
  const order = write.base === undefined ? "equal" : compareClocks(write.base, old.clock);
  if (order === "after" || order === "concurrent") return { kind: "behind" };
  const base = order === "before" ? (write.base as VectorClock) : null;

  const wanted: Row = {
    ...old,
    values: { ...old.values, ...dataOf(changes) },
    deletedAt: DELETED_AT in changes ? (changes[DELETED_AT] as string | null) : old.deletedAt,
    clock: incrementClock(old.clock, write.actor),
    hlc: nextHlc(old.hlc, write.nowMs),
    origin: write.actor,
  };
  const stamp = rowStamp(policy, wanted);
  const before = sideOf(policy, old);
  if (!hasState(policy)) {
    const choices = base === null ? [] : staleChoice(before, { row: wanted, stamp }, base);
    return { kind: "written", row: wanted, choices };
  }

  let row = wanted;
  let [changed, kept] = [false, false];
  const choices: Choice[] = [];
  const merge: Record<string, Json> = { ...old.merge, [ZERO]: before.zero };
  for (const register of registersOf(policy, Object.keys(wanted.values))) {
    const value = registerValue(register, wanted);
    const held = heldBy(before, register, types);
    if (same(value, held.value)) continue;
    const { name, strategy, quiet } = register;
    const result = types.registers[strategy].write(held, { stamp, value, base, clock: row.clock });
    if (result === "no-rights") return { kind: "no-rights" };
    row = withValue(row, name, result.value);
    if (result.kept) kept = true;
    else [merge[name], changed] = [result.state, true];
    if (result.versions && !quiet)
      choices.push({ field: name, strategy, versions: result.versions });
  }
  if (policy.deletion !== "last-write") {
    const type = types.deletions[policy.deletion];
    const { entries, ...life } = type.write({ old: before, row, stamp, base });
    for (const key of Object.keys(merge))
      if (key.startsWith("$") && key !== ZERO) delete merge[key];
    Object.assign(merge, entries);
    row = { ...row, deletedAt: life.deletedAt };
    changed ||= life.changed;
    if (life.versions) {
      choices.push({ field: "$deleted", strategy: policy.deletion, versions: life.versions });
    }
  }
  if (write.transfer) {
    const { field, to, amount } = write.transfer;
    const held = heldBy(before, { name: field, strategy: "bounded-counter" }, types);
    const moved = transferRights(merge[field] ?? held.state, write.actor, to, amount);
    if (moved === null) return { kind: "no-rights" };
    [merge[field], changed] = [moved, true];
  }
  // What follows from the insert is not stored; see mergeRows.
  for (const register of registersOf(policy, Object.keys(row.values))) {
    const { initial } = types.registers[register.strategy];
    const implied = initial(before.zero, registerValue(register, row));
    if (same(merge[register.name] ?? null, implied)) delete merge[register.name];
  }
  if (kept && !changed) return { kind: "unchanged", choices };
  return { kind: "written", row: { ...row, merge }, choices };
}

/** A row that wins as a whole, written on top of one that its writer had not seen. */
function staleChoice(
  lost: Pick<LifeSide, "row" | "stamp">,
  won: Pick<LifeSide, "row" | "stamp">,
  base: VectorClock,
): Choice[] {
  if (hasSeen(base, lost.stamp) || same(wholeRow(won.row), wholeRow(lost.row))) return [];
  const versions = [
    wholeRowVersion(won.row, won.stamp, true),
    wholeRowVersion(lost.row, lost.stamp, false),
  ];
  return [{ field: WHOLE, strategy: "last-write-wins", versions }];
}

function withValue(row: Row, name: string, value: Json): Row {
  if (name === WHOLE) return { ...row, values: value as Row["values"] };
  if (name === DELETED_AT) return { ...row, deletedAt: value as string | null };
  return { ...row, values: { ...row.values, [name]: value } };
}

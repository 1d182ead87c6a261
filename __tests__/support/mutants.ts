import { type Json } from "@/lib/db/conflicts/conflict-record";
import { type RegisterStrategy } from "@/lib/db/conflicts/policy";
import { DELETION_TYPES, type DeletionType } from "@/lib/db/conflicts/strategies/deletion";
import { mergeRows, type MergedRows } from "@/lib/db/conflicts/strategies/join-rows";
import { type Held, type RegisterType } from "@/lib/db/conflicts/strategies/register";
import { type Row } from "@/lib/db/conflicts/strategies/row";
import {
  countOf,
  hasDots,
  hasSeen,
  isLater,
  type Dots,
  type Stamp,
} from "@/lib/db/conflicts/strategies/stamp";
import { JOIN_TYPES, REGISTER_TYPES } from "@/lib/db/conflicts/strategies/types";
import { mergingBy, type Merging } from "./histories";
import { type Law } from "./laws";

/** A wrong join, where it is wrong and the laws that it breaks. Histories find each of them. */
export interface Mutant {
  readonly name: string;
  readonly scenario: string;
  readonly merging: Merging;
  readonly breaks: readonly Law[];
}

const stampOf = ({ state }: Held) => state as Stamp;
const held = ({ state, value }: Held) => ({ state, value, versions: null });

function register(
  name: string,
  strategy: RegisterStrategy,
  change: Partial<RegisterType>,
  breaks: readonly Law[] = [],
  scenario: string = strategy,
): Mutant {
  const changed = { ...REGISTER_TYPES[strategy], ...change };
  const registers = { ...REGISTER_TYPES, [strategy]: changed };
  return { name, scenario, merging: mergingBy({ ...JOIN_TYPES, registers }), breaks };
}

/** A join that picks one of the two sides. `local` is the row there, `incoming` the one that comes. */
const picks = (wins: (local: Held, incoming: Held) => boolean): Partial<RegisterType> => ({
  join: (local, incoming) => held(wins(local, incoming) ? local : incoming),
});

function deletion(
  rule: "delete-wins" | "update-wins",
  name: string,
  isDeleted: (a: Row, b: Row) => boolean,
  breaks: readonly Law[],
): Mutant {
  const sound = DELETION_TYPES[rule];
  const changed: DeletionType = {
    ...sound,
    join(a, b) {
      const life = sound.join(a, b);
      const times = [a.row.deletedAt, b.row.deletedAt].filter((time) => time !== null).sort();
      return { ...life, deletedAt: isDeleted(a.row, b.row) ? (times.at(-1) ?? null) : null };
    },
  };
  const deletions = { ...DELETION_TYPES, [rule]: changed };
  return {
    name,
    scenario: `deletion by ${rule}`,
    merging: mergingBy({ ...JOIN_TYPES, deletions }),
    breaks,
  };
}

const rows = (
  name: string,
  scenario: string,
  change: (merged: MergedRows, local: Row, incoming: Row) => Partial<Row>,
  breaks: readonly Law[],
): Mutant => ({
  name,
  scenario,
  breaks,
  merging: {
    types: JOIN_TYPES,
    merge(policy, local, incoming) {
      const merged = mergeRows(policy, local, incoming);
      return { ...merged, row: { ...merged.row, ...change(merged, local, incoming) } };
    },
  },
});

type Totals = Record<string, [number, number]>;
const addTotals = (a: Held, b: Held) => {
  const [x, y] = [a.state as unknown as Totals, b.state as unknown as Totals];
  const actors = [...new Set([...Object.keys(x), ...Object.keys(y)])];
  const state: Totals = Object.fromEntries(
    actors.map((actor) => [
      actor,
      [0, 1].map((index) => (x[actor]?.[index] ?? 0) + (y[actor]?.[index] ?? 0)),
    ]),
  ) as Totals;
  const value = Object.values(state).reduce((sum, [p, n]) => sum + p - n, 0);
  return { state, value, versions: null };
};

/** Dots of both sides as far as `keep` says, whatever the clocks say. */
const joinElements = (keep: (a: Dots | undefined, b: Dots | undefined) => boolean) =>
  ({
    join(a, b) {
      const [x, y] = [a.state as Record<string, Dots>, b.state as Record<string, Dots>];
      const elements = [...new Set([...Object.keys(x), ...Object.keys(y)])].filter((element) =>
        keep(own(x, element), own(y, element)),
      );
      const state = Object.fromEntries(
        elements.map((element) => {
          const [left, right] = [own(x, element) ?? {}, own(y, element) ?? {}];
          const actors = [...Object.keys(left), ...Object.keys(right)];
          const greater = (actor: string) => Math.max(countOf(left, actor), countOf(right, actor));
          return [element, Object.fromEntries(actors.map((actor) => [actor, greater(actor)]))];
        }),
      ) as Record<string, Dots>;
      const live = Object.keys(state).filter((element) => hasDots(state[element] as Dots));
      return { state, value: live.sort() as Json, versions: null };
    },
  }) satisfies Partial<RegisterType>;
const own = (elements: Record<string, Dots>, key: string) =>
  Object.hasOwn(elements, key) ? elements[key] : undefined;

const numeric = (value: Json) => (typeof value === "number" ? value : Number.NEGATIVE_INFINITY);

/** Takes what includes the other, else the smaller of the two stamps: the trap of "first". */
const smallerStamp = picks((a, b) => {
  if (hasSeen(a.clock, stampOf(b))) return true;
  if (hasSeen(b.clock, stampOf(a))) return false;
  return isLater(stampOf(b), stampOf(a));
});

export const MUTANTS: readonly Mutant[] = [
  register(
    "last-write-wins by the time without the actor",
    "last-write-wins",
    picks((a, b) => stampOf(a).h >= stampOf(b).h),
    ["commutative"],
  ),
  register(
    "last-write-wins by the wall clock without the counter",
    "last-write-wins",
    picks((a, b) => {
      const ms = (side: Held) => BigInt(stampOf(side).h) >> 16n;
      return ms(a) === ms(b) ? stampOf(a).o >= stampOf(b).o : ms(a) > ms(b);
    }),
    ["consistent with causality"],
  ),
  register(
    "last-write-wins by arrival",
    "last-write-wins",
    picks(() => false),
    ["commutative", "consistent with causality"],
  ),
  register(
    "text by arrival",
    "text",
    picks(() => false),
    ["commutative"],
  ),
  register("first-write-wins by the smaller stamp", "first-write-wins", smallerStamp, [
    "associative",
  ]),
  register(
    "first-write-wins by the smaller stamp, whatever was seen",
    "first-write-wins",
    picks((a, b) => !isLater(stampOf(a), stampOf(b))),
    ["consistent with causality"],
  ),
  register(
    "first-write-wins of the row by the smaller stamp",
    "first-write-wins",
    smallerStamp,
    ["associative"],
    "first-write-wins of the row",
  ),
  register(
    "max in which null beats numbers",
    "max",
    picks((a, b) => {
      if (a.value === b.value) return isLater(stampOf(a), stampOf(b));
      return a.value === null || (b.value !== null && numeric(a.value) > numeric(b.value));
    }),
    ["consistent with causality"],
  ),
  register(
    "max in which null is not compared",
    "max",
    picks((a, b) => a.value === null || b.value === null || numeric(a.value) >= numeric(b.value)),
    ["commutative"],
  ),
  register(
    "min in which null is the least",
    "min",
    picks((a, b) =>
      a.value === b.value ? isLater(stampOf(a), stampOf(b)) : numeric(a.value) < numeric(b.value),
    ),
    ["consistent with causality"],
  ),
  register("max that takes any value that is written", "max", {
    write: (_, { stamp, value }) => ({ state: stamp, value, versions: null, kept: false }),
  }),
  register("counter joined by sum", "pn-counter", { join: addTotals }, ["idempotent"]),
  register(
    "counter in which the greater value wins",
    "pn-counter",
    picks((a, b) => numeric(a.value) >= numeric(b.value)),
    ["consistent with causality"],
  ),
  register("bounded counter that takes what it has no right to", "bounded-counter", {
    write(old, write) {
      const { r, u } = old.state as { r: { [key: string]: Json }; u: { [key: string]: Json } };
      const delta = Number(write.value) - Number(old.value);
      if (delta >= 0) return REGISTER_TYPES["bounded-counter"].write(old, write);
      if (Number(write.value) < 0) return "no-rights";
      const used = Number(u[write.stamp.o] ?? 0) - delta;
      const state = { r, u: { ...u, [write.stamp.o]: used } };
      return { state, value: write.value, versions: null, kept: false };
    },
  }),
  register(
    "bounded counter by the last write",
    "bounded-counter",
    picks((a, b) => numeric(a.value) <= numeric(b.value)),
    ["consistent with causality"],
  ),
  register(
    "set joined by union, without what was seen",
    "or-set",
    joinElements((a, b) => a !== undefined || b !== undefined),
    ["consistent with causality"],
  ),
  register(
    "set joined by intersection",
    "or-set",
    joinElements((a, b) => a !== undefined && b !== undefined),
    ["consistent with causality"],
  ),
  register(
    "siblings of which the latest alone is kept",
    "manual",
    picks((a, b) => {
      const first = ({ state }: Held) => (Array.isArray(state) ? state[0] : state) as Stamp;
      return isLater(first(a), first(b)) || first(a).h === first(b).h;
    }),
  ),
  register(
    "siblings in the order of arrival",
    "custom",
    {
      join(a, b) {
        const joined = REGISTER_TYPES.custom.join(a, b);
        if (!Array.isArray(joined.state)) return joined;
        const first = (joined.state as readonly { v: Json }[]).find(({ v }) => v === a.value);
        return { ...joined, value: first?.v ?? joined.value };
      },
    },
    ["commutative"],
  ),
  register(
    "siblings that nothing replaces",
    "manual",
    {
      join(a, b) {
        const list = ({ state, value }: Held) =>
          Array.isArray(state)
            ? (state as unknown as (Stamp & { v: Json })[])
            : [{ ...stampOf({ state, value, clock: {} }), v: value }];
        const all = [...list(a), ...list(b)].filter(
          (one, index, whole) =>
            whole.findIndex(({ o, n }) => o === one.o && n === one.n) === index,
        );
        const sorted = all.sort((x, y) => (isLater(x, y) ? -1 : 1));
        const [first] = sorted as [Stamp & { v: Json }];
        if (sorted.length === 1) return held(list(a).length === 1 ? a : b);
        return { state: sorted, value: first.v, versions: null };
      },
    },
    ["consistent with causality"],
  ),
  deletion(
    "delete-wins",
    "delete-wins that a tombstone decides alone",
    (a, b) => a.deletedAt !== null || b.deletedAt !== null,
    ["consistent with causality"],
  ),
  deletion(
    "update-wins",
    "update-wins that a live row decides alone",
    (a, b) => a.deletedAt !== null && b.deletedAt !== null,
    ["consistent with causality"],
  ),
  rows(
    "a deletion that the later row decides",
    "deletion by delete-wins",
    (_, local, incoming) => ({
      deletedAt: (incoming.hlc > local.hlc ? incoming : local).deletedAt,
    }),
    ["commutative"],
  ),
  rows(
    "the row of the later HLC, whatever the actor",
    "last-write-wins of the row",
    (_, local, incoming) => {
      const { values, deletedAt, origin, hlc } = incoming.hlc > local.hlc ? incoming : local;
      return { values, deletedAt, origin, hlc };
    },
    ["commutative"],
  ),
  rows(
    "the clock of the row that won",
    "or-set",
    (_, local, incoming) => ({
      clock: (incoming.hlc > local.hlc ? incoming : local).clock,
    }),
    ["commutative"],
  ),
  rows(
    "a stamp of the insert by arrival",
    "last-write-wins",
    ({ row }, local) => ({ merge: { ...row.merge, $0: local.merge.$0 ?? null } }),
    ["commutative"],
  ),
];

import fc from "fast-check";
import { type Json } from "@/lib/db/conflicts/conflict-record";
import { parsePolicy, type EntityPolicy } from "@/lib/db/conflicts/policy";
import { type Choice } from "@/lib/db/conflicts/strategies/choices";
import { mergeRows, type MergedRows } from "@/lib/db/conflicts/strategies/join-rows";
import { writeRow, type LocalWrite } from "@/lib/db/conflicts/strategies/local-write";
import { type Row } from "@/lib/db/conflicts/strategies/row";
import { same } from "@/lib/db/conflicts/strategies/same";
import { JOIN_TYPES, type JoinTypes } from "@/lib/db/conflicts/strategies/types";
import { compareClocks, type VectorClock } from "@/lib/db/conflicts/vector-clock";

/** Not in the order of their bytes, and one in its second incarnation. */
export const ACTORS = ["us-east-1", "eu-west-1", "ap-southeast-1", "eu-west-1#2", "sa-east-1"];
export const ROW_ID = "row";

/** A set of writes of one history, as bits. */
export type Seen = number;
const MAX_WRITES = 30;

/** A write that happened, told without clocks and stamps: what oracles are computed from. */
export interface LogEntry {
  readonly write: number;
  /** Everything that its writer had seen: by its base version, or else by the region's row. */
  readonly seen: Seen;
  readonly before: Row | null;
  readonly after: Row;
  readonly changes: Readonly<Record<string, Json>>;
}

export interface Step {
  readonly changes: Readonly<Record<string, Json>>;
  readonly transfer?: LocalWrite["transfer"];
}

export interface Scenario {
  readonly name: string;
  readonly policy: EntityPolicy;
  insert(pick: number, write: number): Readonly<Record<string, Json>>;
  update(row: Row, pick: number, write: number, actor: string): Step;
  /** Throws if the value that all regions ended with does not follow from the log. */
  check?(end: Row, log: readonly LogEntry[]): void;
  /** Throws if a row breaks an invariant, in any region at any time. */
  always?(row: Row): void;
}

export interface Merging {
  /** The row that a region has, and the one that comes. */
  readonly merge: (policy: EntityPolicy, local: Row, incoming: Row) => MergedRows;
  readonly types: JoinTypes;
}

export function mergingBy(types: JoinTypes = JOIN_TYPES): Merging {
  return { types, merge: (policy, a, b) => mergeRows(policy, a, b, types) };
}

/** What `register` strategies do in a policy of two such columns. */
export const policyOf = (policy: object): EntityPolicy => parsePolicy(policy);

/** Bits of the numbers say who does what. A shorter list is a smaller history. */
export interface History {
  readonly regions: number;
  readonly order: number;
  readonly commands: readonly number[];
}

export const history: fc.Arbitrary<History> = fc.record({
  regions: fc.integer({ min: 3, max: 5 }),
  order: fc.nat(2 ** 30),
  commands: fc.array(fc.nat(2 ** 30), { minLength: 4, maxLength: 20 }),
});

export interface Move {
  readonly kind: "part" | "write" | "deliver";
  readonly region: number;
  readonly pick: number;
  /** Clocks of regions differ and go back; ties are common. */
  readonly nowMs: number;
  /** Which of the versions that were shown the writer starts from; null for the one there. */
  readonly base: number | null;
  /** What is delivered will come once more. */
  readonly again: boolean;
}

export function decode(command: number, regions: number): Move {
  const what = (command >>> 3) % 16;
  const pick = (command >>> 7) % 64;
  const base = (command >>> 15) % 32;
  return {
    kind: what === 0 ? "part" : what <= 6 ? "write" : "deliver",
    region: command % regions,
    pick,
    nowMs: (command >>> 13) % 4,
    base: base < 8 ? base : null,
    again: pick >= 48,
  };
}

/** Numbers from a seed (mulberry32), so that a history is replayed from what fast-check prints. */
export function numbers(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export function shuffle<T>(items: readonly T[], next: (below: number) => number): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = next(last + 1);
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}

export function sameRow(a: Row, b: Row): boolean {
  return (
    a.id === b.id &&
    a.deletedAt === b.deletedAt &&
    a.hlc === b.hlc &&
    a.origin === b.origin &&
    same(a.values, b.values) &&
    same(a.clock, b.clock) &&
    same(a.merge, b.merge)
  );
}

export const printRow = (row: Row): string =>
  JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));

export function expectSameRow(a: Row, b: Row, what: string): void {
  if (!sameRow(a, b)) throw new Error(`${what}:\n  ${printRow(a)}\n  ${printRow(b)}`);
}

/** The row of a region when it had written: all that other regions are told. */
export interface RowEvent {
  readonly row: Row;
  readonly seen: Seen;
  readonly region: number;
}

interface Region {
  readonly actor: string;
  row: Row | null;
  seen: Seen;
  inbox: RowEvent[];
  /** Versions that it showed, for writers who start from an old one. */
  readonly shown: { clock: VectorClock; seen: Seen }[];
}

export interface Run {
  readonly ends: readonly Row[];
  readonly events: readonly RowEvent[];
  readonly log: readonly LogEntry[];
  /** Everything that was recorded, in any region. */
  readonly choices: readonly Choice[];
}

/**
 * Plays a history, and delivers in the end everything that was written to every region, each in an
 * order of its own and some of it twice.
 */
export function play(
  scenario: Scenario,
  merging: Merging,
  { regions, order, commands }: History,
): Run {
  const { policy } = scenario;
  const world: Region[] = ACTORS.slice(0, regions).map((actor) => ({
    actor,
    row: null,
    seen: 0,
    inbox: [],
    shown: [],
  }));
  const events: RowEvent[] = [];
  const log: LogEntry[] = [];
  const choices: Choice[] = [];
  /** Bit of each region: two whose bits differ do not reach each other. */
  let sides = 0;

  const settle = (region: Region, row: Row, seen: Seen) => {
    scenario.always?.(row);
    region.row = row;
    region.seen = seen;
    region.shown.push({ clock: row.clock, seen });
  };

  const deliver = (region: Region, event: RowEvent) => {
    if (region.row === null) return settle(region, event.row, event.seen);
    const merged = merging.merge(policy, region.row, event.row);
    choices.push(...merged.choices);
    settle(region, merged.row, region.seen | event.seen);
  };

  const write = (region: Region, { region: index, pick, nowMs, base: old }: Move) => {
    const id = events.length;
    if (id >= MAX_WRITES) return;
    const { actor, row: before } = region;
    const base = before === null || old === null ? null : region.shown[old % region.shown.length];
    const step: Step =
      before === null
        ? { changes: { id: ROW_ID, ...scenario.insert(pick, id) } }
        : scenario.update(before, pick, id, actor);
    const outcome = writeRow(
      policy,
      before,
      { actor, nowMs, ...step, ...(base && { base: base.clock }) },
      merging.types,
    );
    if (outcome.kind === "behind") throw new Error("A region has all that it has shown");
    if (outcome.kind === "no-rights") return;
    choices.push(...outcome.choices);
    if (outcome.kind === "unchanged") return;
    const { row: after } = outcome;
    if (before !== null && compareClocks(before.clock, after.clock) !== "before") {
      throw new Error("A write is no new version");
    }
    const seen = base?.seen ?? region.seen;
    log.push({ write: id, seen, before, after, changes: step.changes });
    settle(region, after, region.seen | (1 << id));
    const event = { row: after, seen: region.seen, region: index };
    events.push(event);
    for (const other of world) if (other !== region) other.inbox.push(event);
  };

  for (const command of commands) {
    const move = decode(command, regions);
    const region = world[move.region] as Region;
    if (move.kind === "part") {
      sides = move.pick;
    } else if (move.kind === "write") {
      write(region, move);
    } else {
      const reached = region.inbox.filter(
        ({ region: from }) => ((sides >> from) & 1) === ((sides >> move.region) & 1),
      );
      const event = reached[move.pick % Math.max(reached.length, 1)];
      if (event === undefined) continue;
      deliver(region, event);
      if (!move.again) region.inbox = region.inbox.filter((other) => other !== event);
    }
  }

  const next = numbers(order);
  for (const [index, region] of world.entries()) {
    const late = region.inbox;
    const again = events.filter((event) => event.region !== index && next(4) === 0);
    for (const event of shuffle([...late, ...again], next)) deliver(region, event);
  }
  const ends = world.flatMap(({ row }) => (row === null ? [] : [row]));
  return { ends, events, log, choices };
}

/** Throws unless all regions end equal, and with the value that follows from what was written. */
export function converges(scenario: Scenario, merging: Merging, of: History): void {
  const { ends, log } = play(scenario, merging, of);
  const [first, ...others] = ends;
  if (first === undefined) return;
  for (const other of others) expectSameRow(first, other, "Two regions end unequal");
  scenario.check?.(first, log);
}

import type { Failpoint, FailpointSetting } from "@/lib/failpoints";
import { seededRandom } from "@/lib/seeded-random";
import { CANDIDACY_POINTS, HEALING_POINTS, passedAtWork, WORK_POINTS } from "./points";
import { pick } from "./world";

/** On the ways between regions, and on what is said on them. */
export const NETWORK_FAULTS = [
  "cut",
  "cut-one-way",
  "delay",
  "redis-killed",
  "redis-paused",
  "redis-flushed",
  "bus-forged",
  "bus-repeated",
  "bus-reordered",
  "bus-oversized",
] as const;

/** In a region's own processes, clock and database. */
export const REGION_FAULTS = [
  "database-killed",
  "backend-killed",
  "database-paused",
  "worker-killed",
  "worker-killed-at",
  "candidates-killed-at",
  "worker-paused",
  "second-worker",
  "worker-of-before",
  "clock-set",
  "connections-exhausted",
  "long-transaction",
  "disk-full",
] as const;

/** Half of these meet the leader: what matters most happens there. */
const AT_LEADER: readonly FaultKind[] = [
  "cut",
  "cut-one-way",
  "delay",
  "database-killed",
  "database-paused",
  "backend-killed",
  "worker-killed",
  "worker-killed-at",
  "worker-paused",
  "worker-of-before",
  "clock-set",
];

/** Each while nothing else is wrong: what may be lost with it is known exactly then. */
export const LONE_FAULTS = ["database-put-back", "region-rebuilt", "healing-killed-at"] as const;

export const FAULT_KINDS = [...NETWORK_FAULTS, ...REGION_FAULTS, ...LONE_FAULTS] as const;

export type FaultKind =
  (typeof NETWORK_FAULTS)[number] | (typeof REGION_FAULTS)[number] | (typeof LONE_FAULTS)[number];

export interface PlannedFault {
  /** In the order of the plan. */
  number: number;
  kind: FaultKind;
  /** Where, or from where. */
  region: string;
  /** In the region that leads then, instead. */
  atLeader: boolean;
  /** Another one: the other end of a link. */
  other: string;
  /** Before it, after the one before it in its lane. */
  waitMs: number;
  /** For how long. */
  holdMs: number;
  /** Of a delay, one way; of a clock, ahead of the machine's. */
  amountMs: number;
  /** Where workers die; the second is another region's. */
  points: readonly FailpointSetting[];
  /** Of a worker: it runs with the planet's own, and not in its place. */
  beside: boolean;
}

/** Lanes run side by side, so that two faults may meet; each is one fault after the other. */
export interface Act {
  lanes: PlannedFault[][];
}

export interface PlanOptions {
  seed: number;
  regions: readonly string[];
  /** The one whose disk can be filled, where there is one. Copies of its database are without what is on that disk. */
  smallDisk: string | null;
  /** Whether there is an earlier version to start workers of. */
  previous: boolean;
  /** Points that take longer than a quarter of this are not dealt. */
  minutes: number;
  /** Kinds that are dealt, and no others; null: all. */
  only: readonly FaultKind[] | null;
}

/** In one lane of one act. */
const LANE_FAULTS = 4;
const WAIT_MS = { min: 500, max: 2_500 };
const HOLD_MS = { min: 1_500, max: 7_000 };
/** A worker of an earlier version does its work for so long, once it has started. */
const BEFORE_MS = { min: 6_000, max: 15_000 };
const DELAY_MS = { min: 100, max: 800 };
const MOST_CLOCK_MS = 5_000;

/**
 * The faults of a drill, in acts, without an end: whoever runs it stops when its time is over. They follow from the options
 * alone. Kinds are dealt from shuffled decks, so that each has its turn before one has its second.
 */
export function* planFaults(options: PlanOptions): Generator<Act> {
  const { seed, regions, smallDisk } = options;
  const random = seededRandom(seed);
  const impossible: FaultKind[] = [];
  if (smallDisk === null) impossible.push("disk-full");
  if (!options.previous) impossible.push("worker-of-before");
  const deckOf = (kinds: readonly FaultKind[]) => {
    const possible = kinds.filter(
      (kind) => !impossible.includes(kind) && (options.only?.includes(kind) ?? true),
    );
    return possible.length === 0 ? [] : [deck(possible, random)];
  };
  const together = [NETWORK_FAULTS, REGION_FAULTS].flatMap(deckOf);
  const alone = deckOf(LONE_FAULTS);
  if (together.length + alone.length === 0) throw new RangeError("There is no fault to make");
  const pointsOf = dealPoints(options.minutes, random);
  const whole = regions.filter((id) => id !== smallDisk);
  let number = 0;
  const between = ({ min, max }: { min: number; max: number }) =>
    Math.round(min + random() * (max - min));
  const plan = (kind: FaultKind): PlannedFault => {
    const region =
      kind === "disk-full" && smallDisk !== null
        ? smallDisk
        : pick(isLone(kind) ? whole : regions, random);
    const other = pick(
      regions.filter((id) => id !== region),
      random,
    );
    const waitMs = between(WAIT_MS);
    const points = pointsOf(kind);
    const holdMs = Math.max(
      between(kind === "worker-of-before" ? BEFORE_MS : HOLD_MS),
      ...points.map(({ point }) => passedAtWork(point).withinMs),
    );
    const amountMs =
      kind === "clock-set"
        ? between({ min: -MOST_CLOCK_MS, max: MOST_CLOCK_MS })
        : kind === "delay"
          ? between(DELAY_MS)
          : 0;
    const atLeader =
      (random() < 0.5 && AT_LEADER.includes(kind)) ||
      kind === "candidates-killed-at" ||
      points[0]?.point === "lease:granted";
    return {
      number: number++,
      kind,
      region,
      atLeader,
      other,
      waitMs,
      holdMs,
      amountMs,
      points,
      beside: kind === "second-worker" || (kind === "worker-of-before" && random() < 0.5),
    };
  };
  for (;;) {
    yield {
      lanes: together.map((cards) =>
        Array.from({ length: LANE_FAULTS }, () => plan(cards.next().value)),
      ),
    };
    for (const cards of alone) yield { lanes: [[plan(cards.next().value)]] };
  }
}

/** What a fault's workers die at, if that is what it is: each point has its turn before one has its second. */
function dealPoints(
  minutes: number,
  random: () => number,
): (kind: FaultKind) => FailpointSetting[] {
  const inTime = WORK_POINTS.filter((point) => passedAtWork(point).withinMs <= minutes * 15_000);
  const atWork = deck(inTime, random);
  const inCandidacy = deck(CANDIDACY_POINTS, random);
  const whileHealing = deck(HEALING_POINTS, random);
  const next = (points: Generator<Failpoint, never>): FailpointSetting => {
    const point = points.next().value;
    return { point, passing: 1 + Math.floor(random() * passedAtWork(point).times) };
  };
  return (kind) => {
    if (kind === "worker-killed-at")
      return random() < 0.5 ? [next(atWork)] : [next(atWork), next(atWork)];
    if (kind === "candidates-killed-at") return [next(inCandidacy)];
    return kind === "healing-killed-at" ? [next(whileHealing)] : [];
  };
}

const isLone = (kind: FaultKind) => (LONE_FAULTS as readonly FaultKind[]).includes(kind);

/** Without an end. */
function* deck<K extends FaultKind | Failpoint>(
  kinds: readonly K[],
  random: () => number,
): Generator<K, never> {
  for (;;) {
    const left = [...kinds];
    while (left.length > 0) yield left.splice(Math.floor(random() * left.length), 1)[0]!;
  }
}

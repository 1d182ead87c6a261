import { seededRandom } from "@/lib/seeded-random";
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
  "worker-paused",
  "second-worker",
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
  "worker-paused",
  "clock-set",
];

/** Each while nothing else is wrong: what may be lost with it is known exactly then. */
export const LONE_FAULTS = ["database-put-back", "region-rebuilt"] as const;

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
}

/** In one lane of one act. */
const LANE_FAULTS = 4;
const WAIT_MS = { min: 500, max: 2_500 };
const HOLD_MS = { min: 1_500, max: 7_000 };
const DELAY_MS = { min: 100, max: 800 };
const MOST_CLOCK_MS = 5_000;

/**
 * The faults of a drill, in acts, without an end: whoever runs it stops when its time is over. They follow from the options
 * alone. Kinds are dealt from shuffled decks, so that each has its turn before one has its second.
 */
export function* planFaults({ seed, regions, smallDisk }: PlanOptions): Generator<Act> {
  const random = seededRandom(seed);
  const network = deck(NETWORK_FAULTS, random);
  const onRegion = REGION_FAULTS.filter((kind) => kind !== "disk-full" || smallDisk !== null);
  const ofRegion = deck(onRegion, random);
  const lone = deck(LONE_FAULTS, random);
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
    const [waitMs, holdMs] = [between(WAIT_MS), between(HOLD_MS)];
    const amountMs =
      kind === "clock-set"
        ? between({ min: -MOST_CLOCK_MS, max: MOST_CLOCK_MS })
        : kind === "delay"
          ? between(DELAY_MS)
          : 0;
    const atLeader = random() < 0.5 && AT_LEADER.includes(kind);
    return { number: number++, kind, region, atLeader, other, waitMs, holdMs, amountMs };
  };
  for (;;) {
    const lanes = [network, ofRegion].map((cards) =>
      Array.from({ length: LANE_FAULTS }, () => plan(cards.next().value)),
    );
    yield { lanes };
    yield { lanes: [[plan(lone.next().value)]] };
  }
}

const isLone = (kind: FaultKind) => (LONE_FAULTS as readonly FaultKind[]).includes(kind);

/** Without an end. */
function* deck<K extends FaultKind>(
  kinds: readonly K[],
  random: () => number,
): Generator<K, never> {
  for (;;) {
    const left = [...kinds];
    while (left.length > 0) yield left.splice(Math.floor(random() * left.length), 1)[0]!;
  }
}

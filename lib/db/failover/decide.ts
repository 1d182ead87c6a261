import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { isFresh, majorityOf, newestEpoch, type Facts, type RegionView } from "./facts";
import type { ControlSample } from "./region-control";
import { guardMs } from "./settings";

export const HOLD_REASONS = [
  /** This worker's own database does not answer or may not vote. */
  "own-database",
  /** The leader has its lease, and nothing is due. */
  "led",
  "no-majority",
  /** The leader has only just stopped to answer. */
  "watching",
  "paused",
  "not-automatic",
  "cool-down",
  /** Another candidate has been promised to. */
  "attempt-under-way",
  "backing-off",
  /** A lease may still be valid somewhere. */
  "guard",
  /** A better candidate has its head start. */
  "not-my-turn",
] as const;
export type HoldReason = (typeof HOLD_REASONS)[number];

export const REQUEST_REFUSALS = [
  "already-leader",
  "unhealthy",
  "no-majority",
  "too-far-behind",
] as const;
export type RequestRefusal = (typeof REQUEST_REFUSALS)[number];

/** The counts of grants that have stood still for longer than a lease, by region. */
export type ExpectedGrants = ReadonlyMap<RegionId, { actor: Actor; grants: bigint }>;

export interface Promote {
  kind: "promote";
  epoch: bigint;
  from: RegionId;
  fromActor: Actor | null;
  regions: readonly RegionId[];
  /** Null where the old lease is to be given up, or waited out after the promises. */
  expected: ExpectedGrants | null;
}

export type Decision =
  | { kind: "hold"; reason: HoldReason }
  | { kind: "renew"; epoch: bigint; leader: RegionId; regions: readonly RegionId[] }
  | Promote
  | { kind: "refuse"; reason: RequestRefusal };

interface Known extends RegionView {
  sample: ControlSample;
}

const hold = (reason: HoldReason): Decision => ({ kind: "hold", reason });

/** How long candidates leave an attempt of another one alone. */
const ATTEMPT_MS = 2_000;

/**
 * What this region's worker does next by itself: hold, renew the leader's lease, or try to lead. Pure.
 * After PaxosLease (Trencseni, Gazso, Reinhardt, 2012) and Raft's elections (Ongaro, Ousterhout, 2014).
 */
export function decide(facts: Facts): Decision {
  const { self, nowMs, settings, views } = facts;
  const own = known(views.get(self));
  if (!own || !isFresh(own, nowMs, settings) || !own.sample.votes) return hold("own-database");
  const { regions } = own.sample;
  const voters = votersOf(facts, regions);
  const newest = newestEpoch(views.values());
  if (newest === null) return hold("own-database");
  const { epoch } = newest;
  const leader = known(views.get(newest.leader as RegionId));

  if (leader && isRenewable(facts, leader, epoch, voters, majorityOf(regions))) {
    return renewal(facts, leader, epoch, regions, voters);
  }
  if (voters.length < majorityOf(regions)) return hold("no-majority");
  if (isPaused(facts)) return hold("paused");
  if (!settings.automatic) return hold("not-automatic");
  const failingSinceMs = leader?.failingSinceMs ?? null;
  if (failingSinceMs !== null && nowMs - failingSinceMs < settings.suspectMs)
    return hold("watching");
  if (nowMs - facts.epochSinceMs < settings.coolDownMs) return hold("cool-down");
  const rank = rankOf(facts, newest.leaderActor, voters, regions);
  // Also after an attempt: candidates that refused each other would else meet again for ever.
  const headStartMs = rank === 0 ? 0 : (rank + facts.jitter / 4) * settings.staggerMs;
  if (!isFirstOfSplit(self, voters, epoch, majorityOf(regions))) {
    const attempted = voters.some(
      ({ sample, promisedSinceMs }) =>
        sample.promisedEpoch > epoch &&
        sample.promisedTo !== self &&
        nowMs - promisedSinceMs < ATTEMPT_MS + headStartMs,
    );
    if (attempted) return hold("attempt-under-way");
    const backOffMs = settings.staggerMs * (1 + facts.jitter);
    if (facts.attemptedAtMs !== null && nowMs - facts.attemptedAtMs < backOffMs) {
      return hold("backing-off");
    }
  }

  const overAtMs = guardOverAtMs(facts, voters, majorityOf(regions));
  if (nowMs < overAtMs) return hold("guard");
  const startMs =
    Math.max(overAtMs, (failingSinceMs ?? -Infinity) + settings.suspectMs) + headStartMs;
  if (nowMs < startMs) return hold("not-my-turn");
  return {
    kind: "promote",
    epoch: nextEpoch(facts),
    from: newest.leader as RegionId,
    fromActor: newest.leaderActor,
    regions,
    expected: expectedOf(facts, voters),
  };
}

/**
 * Whether an operator's request that this region lead is followed. Pure.
 *
 * @param behindMs how far behind this region is; null where that is not known
 */
export function decideRequest(facts: Facts, behindMs: number | null): Decision {
  const { self, nowMs, settings, views } = facts;
  const own = known(views.get(self));
  const newest = newestEpoch(views.values());
  if (!own || newest === null || !isFresh(own, nowMs, settings) || !own.sample.votes) {
    return { kind: "refuse", reason: "unhealthy" };
  }
  if (newest.leader === self && own.sample.leading !== null) {
    return { kind: "refuse", reason: "already-leader" };
  }
  const { regions } = own.sample;
  if (votersOf(facts, regions).length < majorityOf(regions)) {
    return { kind: "refuse", reason: "no-majority" };
  }
  if (behindMs !== null && behindMs > settings.maxBehindMs) {
    return { kind: "refuse", reason: "too-far-behind" };
  }
  return {
    kind: "promote",
    epoch: nextEpoch(facts),
    from: newest.leader as RegionId,
    fromActor: newest.leaderActor,
    regions,
    expected: null,
  };
}

function known(view: RegionView | undefined): Known | null {
  return view && view.sample !== null ? (view as Known) : null;
}

/** Regions that answer now and may vote. */
function votersOf({ views, nowMs, settings }: Facts, regions: readonly RegionId[]): Known[] {
  return regions.flatMap((id) => {
    const view = known(views.get(id));
    return view && view.sample.votes && isFresh(view, nowMs, settings) ? [view] : [];
  });
}

/** Whether the leader of this epoch may go on: it answers, and a majority has promised to nobody else. */
function isRenewable(
  { nowMs, settings }: Facts,
  leader: Known,
  epoch: bigint,
  voters: readonly Known[],
  majority: number,
): boolean {
  if (!isFresh(leader, nowMs, settings) || !leader.sample.votes) return false;
  if (leader.sample.released >= epoch) return false;
  // Not begun: its promotion is under way, or whoever made it is gone.
  if (leader.sample.leaseEpoch !== epoch) return false;
  const willing = voters.filter(({ sample }) => sample.promisedEpoch <= epoch);
  // Fewer voters than a majority decide nothing; the leader keeps asking them. But what an attempt that
  // failed was promised is no vote for the leader: with too few others, somebody has to be elected.
  const canGrant = voters.length < majority || willing.length >= majority;
  return leader.sample.promisedEpoch <= epoch && canGrant;
}

function renewal(
  facts: Facts,
  leader: Known,
  epoch: bigint,
  regions: readonly RegionId[],
  voters: readonly Known[],
): Decision {
  const { nowMs, settings, renewedAtMs } = facts;
  if (voters.length < majorityOf(regions)) return hold("no-majority");
  const sinceMs = renewedAtMs === null ? Infinity : nowMs - renewedAtMs;
  const heldMs =
    leader.sample.heldMs === null ? 0 : leader.sample.heldMs - (nowMs - (leader.sampledAtMs ?? 0));
  const due =
    leader.region === facts.self
      ? sinceMs >= settings.renewMs
      : // Its own worker seems to be gone. Not all of the others at once, and not all the time.
        heldMs < settings.leaseMs / 2 && sinceMs >= settings.renewMs;
  return due ? { kind: "renew", epoch, leader: leader.region, regions } : hold("led");
}

function isPaused({ views }: Facts): boolean {
  let newest: ControlSample | null = null;
  for (const { sample } of views.values()) {
    if (sample && (newest === null || sample.pauseVersion > newest.pauseVersion)) newest = sample;
  }
  return newest?.paused ?? false;
}

/** When enough acceptors will have stood still for longer than a lease. */
function guardOverAtMs({ settings }: Facts, voters: readonly Known[], majority: number): number {
  const ends = voters.map(({ grantsSinceMs }) => grantsSinceMs + guardMs(settings));
  return ends.sort((a, b) => a - b)[majority - 1] ?? Infinity;
}

function expectedOf({ nowMs, settings }: Facts, voters: readonly Known[]): ExpectedGrants {
  const quiet = voters.filter(({ grantsSinceMs }) => nowMs - grantsSinceMs >= guardMs(settings));
  return new Map(
    quiet.map(({ region, sample }) => [region, { actor: sample.actor, grants: sample.grants }]),
  );
}

/**
 * Whether candidates have stood in each other's way, so that of all that answer none can get a majority any
 * more, and this is the one of them that tries again at once. The others leave it alone.
 */
function isFirstOfSplit(
  self: RegionId,
  voters: readonly Known[],
  epoch: bigint,
  majority: number,
): boolean {
  const promised = voters.map(({ sample }) => sample.promisedEpoch);
  const newest = promised.reduce((a, b) => (a > b ? a : b), epoch);
  if (newest === epoch || promised.some((other) => other !== newest)) return false;
  const candidates = new Map<string, number>();
  for (const { sample } of voters) {
    candidates.set(sample.promisedTo, (candidates.get(sample.promisedTo) ?? 0) + 1);
  }
  const isSplit = [...candidates.values()].every((promises) => promises < majority);
  return isSplit && [...candidates.keys()].sort()[0] === self;
}

/**
 * 0 for the candidate that has most of the former leader's writes; of equal ones the one that is nearest to
 * a majority, for what it leads waits for that.
 */
function rankOf(
  { self, distanceMs }: Facts,
  leaderActor: Actor | null,
  voters: readonly Known[],
  regions: readonly RegionId[],
): number {
  const heldBy = ({ sample }: Known) =>
    leaderActor === null
      ? 0n
      : sample.actor === leaderActor
        ? sample.lastEvent
        : (sample.cursors.get(leaderActor) ?? 0n);
  const toMajorityMs = ({ region }: Known) => {
    const others = regions.filter((id) => id !== region).map((id) => distanceMs(region, id));
    return others.sort((a, b) => a - b)[majorityOf(regions) - 2] ?? 0;
  };
  const ranked = [...voters].sort((a, b) => {
    const [x, y] = [heldBy(a), heldBy(b)];
    if (x !== y) return x > y ? -1 : 1;
    const nearer = toMajorityMs(a) - toMajorityMs(b);
    if (nearer !== 0) return nearer;
    return a.region < b.region ? -1 : 1;
  });
  return ranked.findIndex(({ region }) => region === self);
}

function nextEpoch({ views }: Facts): bigint {
  let highest = 0n;
  for (const { sample } of views.values()) {
    if (sample && sample.promisedEpoch > highest) highest = sample.promisedEpoch;
    if (sample && sample.epoch > highest) highest = sample.epoch;
  }
  return highest + 1n;
}

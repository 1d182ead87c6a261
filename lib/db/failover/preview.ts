import { within } from "@/lib/db/regions/faults";
import { toPosition, type Position } from "@/lib/db/sessions/positions";
import type {
  CandidateView,
  FailoverPreview,
  Recommendation,
  WriteCount,
} from "@/lib/failover-shape";
import {
  behindMs,
  expectedGaps,
  explainRefusal,
  knownLeader,
  newestPause,
  positionOf,
  refusalOf,
  registeredIn,
  votersOf,
  type KnownLeader,
} from "./assess";
import type { OperatorRegion } from "./queryable";
import { lookAtRegions, reportsOf, type Look, type RegionReport } from "./report";
import type { FailoverSettings } from "./settings";

/** Longest wait for the leader to count, in ms. */
const COUNT_MS = 2_500;

/** Writes of the leader past each of some positions. */
type Counts = ReadonlyMap<Position, number>;

/**
 * What it would cost to let each region lead. Asks all regions at once, then the leader once more; writes
 * nothing. What was true when they answered may not be true any more when somebody acts on it.
 */
export async function previewFailover(
  regions: readonly OperatorRegion[],
  settings: FailoverSettings,
): Promise<FailoverPreview> {
  const looks = await lookAtRegions(regions);
  const leader = knownLeader(looks);
  const counts = leader ? await countPast(regions, leader, positionsIn(looks, leader)) : null;
  const pause = newestPause(looks);
  return {
    leader: leader && {
      regionId: leader.region,
      reachable: leader.report !== null,
      leading: leader.report?.leading != null,
      epoch: Number(leader.epoch),
      leaseRemainingMs: leader.report?.heldMs ?? null,
      lastPosition: leader.lastPosition === null ? null : `${leader.lastPosition}`,
      seenMsAgo: leader.seenMsAgo,
    },
    voting: votersOf(looks).length,
    registered: Math.max(registeredIn(looks).length, regions.length),
    paused: pause?.paused ?? false,
    pauseReason: pause?.paused ? pause.pauseReason : null,
    running: reportsOf(looks).find(({ open }) => open !== null)?.open ?? null,
    candidates: looks.map((look) => candidateOf(look, looks, leader, counts, settings)),
  };
}

function positionsIn(looks: readonly Look[], leader: KnownLeader): Position[] {
  const found = reportsOf(looks).map((report) => positionOf(report, leader) ?? toPosition(0n));
  return [...new Set(found)];
}

/** Null where the leader does not answer: nobody else knows. */
async function countPast(
  regions: readonly OperatorRegion[],
  leader: KnownLeader,
  positions: readonly Position[],
): Promise<Counts | null> {
  const region = regions.find(({ id }) => id === leader.region);
  if (!region || !leader.report) return null;
  try {
    const { rows } = await within(
      COUNT_MS,
      region.db.query<{ position: string; writes: number }>(
        `SELECT p AS position, mr.count_unseen_writes(p::bigint) AS writes
         FROM jsonb_array_elements_text($1::jsonb) p`,
        [JSON.stringify(positions.map(String))],
      ),
    );
    return new Map(rows.map(({ position, writes }) => [toPosition(position), writes]));
  } catch {
    return null;
  }
}

function candidateOf(
  { id, report }: Look,
  looks: readonly Look[],
  leader: KnownLeader | null,
  counts: Counts | null,
  settings: FailoverSettings,
): CandidateView {
  const reason = refusalOf(id, looks, settings);
  const refusal = reason && { reason, message: explainRefusal(reason, id, looks) };
  const position = report && leader ? positionOf(report, leader) : null;
  const gaps = report && leader ? expectedGaps(report, leader, looks, settings) : null;
  const leads = leader?.region === id;
  return {
    regionId: id,
    reachable: report !== null,
    votes: report?.votes ?? false,
    leads,
    position: position === null ? null : `${position}`,
    lacks: counted(counts, leader, report && (position ?? toPosition(0n))),
    stranded: counted(counts, leader, report && leader && bestHeld(report, looks, leader)),
    behindMs: report && leader ? behindMs(report, leader) : null,
    switchoverGapMs: leads ? null : (gaps?.switchoverMs ?? null),
    failoverGapMs: gaps?.failoverMs ?? null,
    refusal,
    recommended: recommend(refusal !== null, looks, leader, settings),
  };
}

/**
 * What the candidate would have when it began to lead without the leader's answer: it pulls what the other
 * regions that vote hold.
 */
function bestHeld(report: RegionReport, looks: readonly Look[], leader: KnownLeader): Position {
  const others = votersOf(looks).filter(({ region }) => region !== leader.region);
  return [report, ...others].reduce<Position>((best, other) => {
    const position = positionOf(other, leader) ?? toPosition(0n);
    return position > best ? position : best;
  }, toPosition(0n));
}

/** @param position null: nobody knows how far the region is */
function counted(
  counts: Counts | null,
  leader: KnownLeader | null,
  position: Position | null,
): WriteCount {
  const writes = position === null ? undefined : counts?.get(position);
  if (writes !== undefined) return { kind: "counted", writes };
  return { kind: "unknown", leaderSeenMsAgo: leader?.seenMsAgo ?? null };
}

function recommend(
  refused: boolean,
  looks: readonly Look[],
  leader: KnownLeader | null,
  settings: FailoverSettings,
): Recommendation {
  if (refused) return "none";
  // Writers wait for a few round trips then, and no write fails or is left behind.
  if (leader?.report?.leading != null) return "switchover";
  const automatic = settings.automatic && !(newestPause(looks)?.paused ?? false);
  return automatic ? "wait" : "failover";
}

import type { FailoverRefusal } from "@/lib/failover-shape";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position } from "@/lib/db/sessions/positions";
import { majorityOf } from "./facts";
import { reportsOf, type Look, type RegionReport } from "./report";
import { guardMs, type FailoverSettings } from "./settings";

/** A worker that has said nothing for so long would not carry a request out, in ms. */
const WORKER_SILENT_MS = 5_000;

/** A commit in the region itself, in ms; measured ones are between 1 and 6. */
const COMMIT_MS = 5;

export interface KnownLeader {
  region: RegionId;
  epoch: bigint;
  actor: Actor;
  report: RegionReport | null;
  /** The last position of its stream that anybody knows of. */
  lastPosition: Position | null;
  /** When somebody last heard of it; null: nobody ever has. */
  seenMsAgo: number | null;
}

/** Who leads, as the region with the newest epoch says; null where no region answers. */
export function knownLeader(looks: readonly Look[]): KnownLeader | null {
  const reports = reportsOf(looks);
  const newest = reports.reduce<RegionReport | null>(
    (best, report) => (best === null || report.epoch > best.epoch ? report : best),
    null,
  );
  if (!newest) return null;
  const { leader: region, epoch } = newest;
  const report = reports.find((other) => other.region === region) ?? null;
  const seen = reports.flatMap(({ peers }) => peers.filter((peer) => peer.region === region));
  const actor =
    report?.actor ?? newest.leaderActor ?? seen[0]?.actor ?? (region as string as Actor);
  if (report) {
    return { region, epoch, actor, report, lastPosition: report.lastEvent, seenMsAgo: 0 };
  }
  const positions = [
    ...seen.filter((peer) => peer.actor === actor).map((peer) => peer.lastEvent),
    ...reports.flatMap(({ cursors }) => cursors.get(actor) ?? []),
  ];
  return {
    region,
    epoch,
    actor,
    report,
    lastPosition: positions.reduce<Position | null>(
      (last, position) => (last === null || position > last ? position : last),
      null,
    ),
    seenMsAgo: seen.length > 0 ? Math.min(...seen.map(({ ageMs }) => ageMs)) : null,
  };
}

/** How far a region has applied the leader's stream; null where it has nothing of it. */
export function positionOf(report: RegionReport, leader: KnownLeader): Position | null {
  if (report.actor === leader.actor) return report.lastEvent;
  return report.cursors.get(leader.actor) ?? null;
}

/**
 * How old the oldest write is that a region may lack, in ms; null where nothing tells. A leader that is gone
 * writes nothing: what counts then is how far the region was behind when the leader was last seen, or a region
 * that has everything would be refused for the outage that it is to end.
 */
export function behindMs(report: RegionReport, leader: KnownLeader): number | null {
  const position = positionOf(report, leader);
  if (position !== null && leader.lastPosition !== null && position >= leader.lastPosition) {
    return 0;
  }
  const stalenessMs = report.staleness[leader.actor] ?? null;
  if (stalenessMs === null || leader.seenMsAgo === null) return null;
  const peer = report.peers.find(({ region }) => region === leader.region);
  // Staleness is this region's time less the leader's: add what their clocks differ by.
  return Math.max(0, stalenessMs + (peer?.clockOffsetMs ?? 0) - leader.seenMsAgo);
}

/** Regions that answer and may vote. */
export function votersOf(looks: readonly Look[]): RegionReport[] {
  return reportsOf(looks).filter(({ votes }) => votes);
}

/** All registered regions, as the region that knows of most has them. */
export function registeredIn(looks: readonly Look[]): readonly RegionId[] {
  return reportsOf(looks).reduce<readonly RegionId[]>(
    (most, { regions }) => (regions.length > most.length ? regions : most),
    [],
  );
}

/** The pause that counts: the one of the highest version. */
export function newestPause(looks: readonly Look[]): RegionReport | null {
  return reportsOf(looks).reduce<RegionReport | null>(
    (newest, report) =>
      newest === null || report.pauseVersion > newest.pauseVersion ? report : newest,
    null,
  );
}

/**
 * Why a request that `target` lead would not be followed, as far as can be seen from here; null: it would be.
 * The target's worker decides again when it takes the request up, by what it sees itself. Pure.
 */
export function refusalOf(
  target: string,
  looks: readonly Look[],
  settings: Pick<FailoverSettings, "maxBehindMs">,
): FailoverRefusal | null {
  const look = looks.find(({ id }) => id === target);
  if (!look) return "unknown-region";
  const { report } = look;
  const leader = knownLeader(looks);
  if (!report || !leader) return "unhealthy";
  if (leader.region === target && report.leading !== null) return "already-leader";
  if (!report.votes) return "unhealthy";
  if (report.workerAgeMs === null || report.workerAgeMs > WORKER_SILENT_MS) return "unhealthy";
  if (reportsOf(looks).some(({ open }) => open !== null)) return "running";
  if (votersOf(looks).length < majorityOf(registeredIn(looks))) return "no-majority";
  const behind = behindMs(report, leader);
  if (behind !== null && behind > settings.maxBehindMs) return "too-far-behind";
  return null;
}

/** A refusal as a sentence for an operator. Names no endpoint. */
export function explainRefusal(
  reason: FailoverRefusal,
  target: string,
  looks: readonly Look[],
): string {
  const report = looks.find(({ id }) => id === target)?.report;
  const leader = knownLeader(looks);
  switch (reason) {
    case "unknown-region":
      return `There is no region ${target.slice(0, 40)}.`;
    case "already-leader":
      return `${target} leads already.`;
    case "leader-changed":
      return `${leader?.region ?? "Another region"} leads now.`;
    case "unhealthy":
      if (!report) return `${target} does not answer.`;
      if (!report.votes) {
        return report.state === "ready"
          ? `${target} may not vote until another region has confirmed what it knows.`
          : `${target} is not ready: ${report.state}.`;
      }
      return `The worker of ${target} does not run, and nobody else could carry this out.`;
    case "too-far-behind": {
      const ms = report && leader ? behindMs(report, leader) : null;
      const by = ms === null ? "" : ` by ${(ms / 1000).toFixed(1)} s`;
      return `${target} is too far behind ${leader?.region ?? "the leader"}${by}.`;
    }
    case "running":
      return "Another attempt is running.";
    case "no-majority":
      return `Only ${votersOf(looks).length} of ${registeredIn(looks).length} regions can vote.`;
    default:
      return reason satisfies never;
  }
}

export interface ExpectedGaps {
  switchoverMs: number | null;
  failoverMs: number | null;
}

/**
 * For how long single-leader entities could not be written at least, from the last write that the old leader
 * takes to the first that the new one does, by round trips that the regions' workers have measured. Busy
 * databases, rows to merge and connections that have to be opened first (four round trips more) add to it.
 *
 * - Switchover: the old leader stops when it releases its lease. The answer needs half a round trip; then the
 *   new leader's database merges what came with it, and takes the lease. Writes under way at the old leader
 *   may add up to a second.
 * - Failover: promise, measure and publish are a round trip to a majority each, between which the lease and
 *   its margin are waited out. A leader that answers goes on until its last lease ends: on average that was
 *   renewed half an interval before the promises, and began a round trip to its majority before it was held.
 *
 * Pure. Null where a round trip has not been measured, or a switchover has nobody to hand over.
 */
export function expectedGaps(
  report: RegionReport,
  leader: KnownLeader,
  looks: readonly Look[],
  settings: FailoverSettings,
): ExpectedGaps {
  const majority = majorityOf(registeredIn(looks));
  const quorumMs = quorumRoundTripMs(report, looks, majority);
  const held = leader.report !== null && leader.report.leading !== null;
  const toLeaderMs = report.peers.find(({ region }) => region === leader.region)?.latencyMs;
  const switchoverMs =
    held && toLeaderMs !== undefined ? Math.round(toLeaderMs / 2 + 2 * COMMIT_MS) : null;
  if (quorumMs === null) return { switchoverMs, failoverMs: null };
  const totalMs = 3 * quorumMs + guardMs(settings) + 3 * COMMIT_MS;
  if (!held || !leader.report) return { switchoverMs, failoverMs: Math.round(totalMs) };
  const heldMs =
    settings.leaseMs -
    settings.renewMs / 2 -
    (quorumRoundTripMs(leader.report, looks, majority) ?? 0);
  return { switchoverMs, failoverMs: Math.max(0, Math.round(totalMs - quorumMs / 2 - heldMs)) };
}

/** Until a majority has answered a region, itself included; null where that can't be told. */
function quorumRoundTripMs(
  report: RegionReport,
  looks: readonly Look[],
  majority: number,
): number | null {
  if (majority <= 1) return 0;
  const voting = new Set(votersOf(looks).map(({ region }) => region));
  const trips = report.peers
    .filter(({ region, failing }) => region !== report.region && voting.has(region) && !failing)
    .map(({ latencyMs }) => latencyMs)
    .sort((a, b) => a - b);
  return trips[majority - 2] ?? null;
}

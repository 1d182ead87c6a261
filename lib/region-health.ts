import { multiRegionDb, REGIONS, type RegionId } from "@/lib/db/multi-region-config";
import { within } from "@/lib/db/regions/faults";
import { readOverview, type Overview } from "@/lib/db/regions/overview";
import { lagOf } from "@/lib/db/replication/lags";

/** Longest wait for a region's database, in ms: less than the patience of a load balancer. */
const ANSWER_MS = 1_000;

export type LeaderHealth =
  | { status: "leader"; region: RegionId; epoch: number; leaseRemainingMs: number }
  | {
      status: "not-leader";
      region: RegionId;
      reason: "unreachable" | "follows" | "no-lease";
      /** Who leads, as the region knows it. */
      leader?: string;
    };

export type ReplicaHealth =
  | { status: "replica"; region: RegionId; lagMs: Record<string, number | null> }
  | {
      status: "not-ready";
      region: RegionId;
      reason: "unreachable" | "lag-unknown" | "stalled" | "too-far-behind";
      lagMs?: Record<string, number | null>;
    };

/** Questions under way: many who ask at once cost a database no more than one. */
const asking = new Map<string, Promise<Overview>>();

function ask(region: RegionId, endpoint: "read" | "write"): Promise<Overview | null> {
  const key = `${endpoint} ${region}`;
  let answer = asking.get(key);
  if (!answer) {
    const client =
      endpoint === "read"
        ? multiRegionDb.getReadClient(region)
        : multiRegionDb.getWriteClient(region);
    answer = within(ANSWER_MS, readOverview(client)).finally(() => asking.delete(key));
    asking.set(key, answer);
  }
  return answer.catch(() => null);
}

/** Whether a region leads with a valid lease, as its own database says now. */
export async function leaderHealth(region: RegionId): Promise<LeaderHealth> {
  const overview = await ask(region, "write");
  if (!overview) return { status: "not-leader", region, reason: "unreachable" };
  const { leader, leading, leaseMs } = overview;
  if (leading !== null) {
    return { status: "leader", region, epoch: leading, leaseRemainingMs: Math.round(leaseMs ?? 0) };
  }
  const reason = leader === region ? "no-lease" : "follows";
  return { status: "not-leader", region, reason, leader };
}

/**
 * Whether a region's reads may be sent to it.
 *
 * @param maxLagMs how far it may be behind each other region, all of which then have to be known: a region
 *   that is gone makes every other one's lag unknown. Null: that it answers is enough
 */
export async function replicaHealth(
  region: RegionId,
  maxLagMs: number | null,
): Promise<ReplicaHealth> {
  const overview = await ask(region, "read");
  if (!overview) return { status: "not-ready", region, reason: "unreachable" };
  const lags = REGIONS.filter(({ id }) => id !== region).map(({ id }) =>
    lagOf(overview, id, region, performance.now() - overview.readAtMs),
  );
  const lagMs = Object.fromEntries(
    lags.map((lag) => [lag.source, lag.kind === "ok" ? lag.lagMs : null]),
  );
  const unready = (reason: "lag-unknown" | "stalled" | "too-far-behind") =>
    ({ status: "not-ready", region, reason, lagMs }) as const;
  if (maxLagMs !== null) {
    if (lags.some(({ kind }) => kind === "stalled")) return unready("stalled");
    if (lags.some(({ kind }) => kind === "unknown")) return unready("lag-unknown");
    if (lags.some((lag) => lag.kind === "ok" && lag.lagMs > maxLagMs)) {
      return unready("too-far-behind");
    }
  }
  return { status: "replica", region, lagMs };
}

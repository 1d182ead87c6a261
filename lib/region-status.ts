import type { LagState, RegionFacts, RegionStatus } from "@/lib/region-status-shape";
import { failoverManager } from "@/lib/db/failover-manager";
import { geoReplication, type ReplicationLag } from "@/lib/db/geo-replication";
import { multiRegionDb, REGIONS, type RegionId } from "@/lib/db/multi-region-config";
import { LatencyWindow } from "@/lib/db/regions/latency-window";
import type { Overview } from "@/lib/db/regions/overview";
import { incarnationOf, regionOfActor } from "@/lib/db/regions/region-id";
import { defaultRuntime } from "@/lib/db/regions/runtime";

/** How long an answer is held for a region that is believed to be up, in ms. */
const WAIT_MS = 400;

/** What is younger than this is shown as it is, so that many askers cost no more than one. */
const FRESH_MS = 1_000;

/** What is younger than this is shown while it is read anew: a far region is not waited for at every poll.
 * Less than what a lease is believed for, or a leader would be shown without one. */
const USABLE_MS = 2_500;

/** A region that has been asked for this long without an answer does not answer. */
const SILENT_MS = 4_000;

/** Askers that pause for longer than this have to begin anew: nothing was asked meanwhile. */
const PAUSE_MS = 5_000;

const latencies = new LatencyWindow();

/** Since when, and when last, the regions have been asked from each vantage. */
const asking = new Map<RegionId, { sinceMs: number; lastMs: number }>();

/**
 * The state of every region as seen from a vantage. Waits a moment for those that are believed to
 * be up, and not at all for those that are not.
 *
 * @param detailed whether to add what only administrators may know
 */
export async function gatherRegionStatus(
  vantage: RegionId,
  detailed: boolean,
): Promise<RegionStatus[]> {
  const askedSinceMs = noteAsking(vantage, performance.now());
  const db = multiRegionDb.from(vantage);
  const before = db.getRegionHealth();
  await Promise.all(
    REGIONS.filter(({ id }) => before.get(id) !== false).map(({ id }) => refresh(vantage, id)),
  );
  const lags = await geoReplication.getReplicationLags(vantage);
  const health = db.getRegionHealth();
  const leader = db.getLeader().region;
  const leadership = failoverManager.from(vantage).getAllRegionStatus();
  const { state } = defaultRuntime();
  const own = state.latest(vantage, vantage);
  const peers = own?.peers;
  if (own) latencies.note(vantage, own);
  return REGIONS.map((region) => {
    const overview = state.latest(vantage, region.id);
    const nowMs = performance.now();
    const silentMs = nowMs - Math.max(overview?.readAtMs ?? -Infinity, askedSinceMs);
    const healthy = health.get(region.id) !== false && silentMs < SILENT_MS;
    const led = leadership.get(region.id);
    // A former leader that was asked just before it handed over still says that it leads.
    const leading = healthy && region.id === leader && (led?.leading ?? false);
    const into = lags.filter((lag) => lag.target === region.id);
    return {
      regionId: region.id,
      name: region.name,
      city: region.city,
      healthy,
      isPrimary: region.id === leader,
      epoch: led?.epoch ?? null,
      leading,
      leaseRemainingMs: leading ? (led?.leaseRemainingMs ?? null) : null,
      paused: led?.paused ?? false,
      latencyMs: healthy ? (peers?.get(region.id)?.latencyMs ?? null) : null,
      replicationLag: Object.fromEntries(into.map((lag) => [lag.source, toLagState(lag)])),
      pendingWrites: sumPending(into),
      bus: busOf(overview, overview ? nowMs - overview.readAtMs : Infinity),
      checkedAt: overview ? new Date(Date.now() - (nowMs - overview.readAtMs)).toISOString() : null,
      ...(detailed
        ? { detail: stallDetail(into), facts: factsOf(overview, latencies.of(vantage, region.id)) }
        : {}),
    };
  });
}

function noteAsking(vantage: RegionId, nowMs: number): number {
  const before = asking.get(vantage);
  const continues = before !== undefined && nowMs - before.lastMs < PAUSE_MS;
  const sinceMs = continues ? before.sinceMs : nowMs;
  asking.set(vantage, { sinceMs, lastMs: nowMs });
  return sinceMs;
}

function refresh(vantage: RegionId, regionId: RegionId): Promise<unknown> {
  const { state } = defaultRuntime();
  const known = state.latest(vantage, regionId);
  const ageMs = known ? performance.now() - known.readAtMs : Infinity;
  if (ageMs < FRESH_MS) return Promise.resolve();
  const reading = state.refresh(vantage, regionId);
  if (regionId === vantage || ageMs > USABLE_MS) return orAfter(WAIT_MS, reading);
  reading.catch(() => undefined);
  return Promise.resolve();
}

async function orAfter(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), timeout]);
  clearTimeout(timer);
}

/** As the region's worker last said; a worker that says nothing announces nothing. */
function busOf(overview: Overview | null, overviewAgeMs: number): RegionStatus["bus"] {
  const worker = overview?.worker;
  return worker && worker.ageMs + overviewAgeMs < SILENT_MS ? worker.bus : "unknown";
}

function toLagState(lag: ReplicationLag): LagState {
  switch (lag.kind) {
    case "ok":
      return { kind: "ok", ms: lag.lagMs, pendingWrites: lag.pendingWrites };
    case "stalled":
      return {
        kind: "stalled",
        ms: lag.forMs,
        reason: lag.reason,
        pendingWrites: lag.pendingWrites,
      };
    case "unknown":
      return { kind: "unknown" };
    default:
      return lag satisfies never;
  }
}

function sumPending(lags: readonly ReplicationLag[]): number | null {
  let sum = 0;
  for (const lag of lags) {
    if (lag.kind === "unknown") return null;
    sum += lag.pendingWrites;
  }
  return sum;
}

function factsOf(overview: Overview | null, latency: RegionFacts["latency"]): RegionFacts {
  const ageMs = overview ? performance.now() - overview.readAtMs : 0;
  const applied = new Map<string, bigint>();
  for (const { actor, events } of overview?.cursors.values() ?? []) {
    const source = regionOfActor(actor);
    applied.set(source, (applied.get(source) ?? 0n) + events);
  }
  return {
    latency,
    connections: overview?.connections ?? null,
    schemaVersion: overview?.schemaVersion ?? null,
    incarnation: overview ? incarnationOf(overview.actor) : null,
    workerSilentMs: overview?.worker ? overview.worker.ageMs + ageMs : null,
    appliedEvents: Object.fromEntries([...applied].map(([id, events]) => [id, `${events}`])),
  };
}

function stallDetail(lags: readonly ReplicationLag[]): string | undefined {
  const stalled = lags.filter((lag) => lag.kind === "stalled");
  return stalled.map((lag) => `${lag.source}: ${lag.detail}`).join("; ") || undefined;
}

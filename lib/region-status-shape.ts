/** What `GET /api/regions/status` answers: an array of these, one per configured region. */
export interface RegionStatus {
  regionId: string;
  name: string;
  city: string;
  healthy: boolean;
  isPrimary: boolean;
  /** The newest epoch of leadership that it has heard of; null where it was never reached. */
  epoch: number | null;
  /** It had a valid lease at `checkedAt`, and so took writes of single-leader entities. */
  leading: boolean;
  /** What was left of that lease then. */
  leaseRemainingMs: number | null;
  /** No region is promoted by itself, as far as this one knows. */
  paused: boolean;
  /** From where the answering process runs; null where the region was never reached. */
  latencyMs: number | null;
  /** How far this region is behind each other region's writes, by source region. */
  replicationLag: Record<string, LagState>;
  /** Writes of other regions not yet applied here; null where that can't be known. */
  pendingWrites: number | null;
  /** How writes travel: through Redis, or by asking the databases alone. */
  bus: "redis" | "degraded" | "unknown";
  /** When the facts above were gathered, ISO 8601; null where they never were. */
  checkedAt: string | null;
  /** Only for signed-in administrators. */
  detail?: string;
  facts?: RegionFacts;
}

/** Of one region, for administrators. */
export interface RegionFacts {
  /** Round trips to it, as measured over the last minutes; null where there are too few. */
  latency: { p50Ms: number; p95Ms: number; samples: number } | null;
  /** Sessions of its server, and how many it takes; null where it was never reached. */
  connections: { used: number; max: number } | null;
  /** Two regions exchange rows only where it is the same. */
  schemaVersion: number | null;
  /** How often its database was replaced by another one; null where it was never reached. */
  incarnation: number | null;
  /** Since its worker last reported; null: never. */
  workerSilentMs: number | null;
  /** By source region: events from there that it has applied since its database was made. Decimal text. */
  appliedEvents: Record<string, string>;
}

/**
 * - `ok`: measured, in milliseconds, and in writes that have not been applied.
 * - `unknown`: nothing to measure by, for example because the region can't be asked.
 * - `stalled`: there are writes to apply and none was applied for a while; `ms` is how long.
 */
export type LagState =
  | { kind: "ok"; ms: number; pendingWrites?: number }
  | { kind: "unknown"; reason?: string }
  | { kind: "stalled"; ms: number | null; reason?: string; pendingWrites?: number };

/** One word for a region, the worst thing that is true of it. */
export type Condition = "healthy" | "unknown" | "stalled" | "down";

export function conditionOf(region: RegionStatus): Condition {
  if (!region.healthy) return "down";
  const lags = Object.values(region.replicationLag);
  if (lags.some((lag) => lag.kind === "stalled")) return "stalled";
  if (lags.some((lag) => lag.kind === "unknown")) return "unknown";
  return "healthy";
}

/** Degraded as soon as one region is: its writes take the slower way. */
export function busOf(regions: readonly RegionStatus[]): RegionStatus["bus"] {
  if (regions.some((region) => region.bus === "degraded")) return "degraded";
  return regions.some((region) => region.bus === "redis") ? "redis" : "unknown";
}

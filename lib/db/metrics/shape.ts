export const METRIC_WINDOWS = ["hour", "day"] as const;
export type MetricWindow = (typeof METRIC_WINDOWS)[number];

/** One value per point, oldest first; null where it is not known. */
export type Values = (number | null)[];

/** Mean and maximum of the time of each point. */
export interface MeanAndMax {
  mean: Values;
  max: Values;
}

/** What a region knows of another one. */
export interface StreamSeries {
  peer: string;
  lagMs: MeanAndMax;
  /** Round trip. */
  latencyMs: MeanAndMax;
  /** The most writes of the peer that were not applied here; counting stops at 10,000. */
  pending: Values;
  /** 1 where the stream stood still at some moment, for a reason that somebody has to remove. */
  stalled: Values;
}

/** Why nothing is known of a region: it is down, it took too long, or its database refused. */
export type UnreadReason = "unreachable" | "slow" | "failed";

export interface RegionSeries {
  streams: StreamSeries[];
  /** Events of its own captured. */
  writesPerS: MeanAndMax;
  /** Events of other regions applied. */
  appliedPerS: MeanAndMax;
  /** Conflicts that it recorded within each point. */
  conflicts: Values;
}

/** What a region's own database keeps; null where it could not be read. */
export type RegionMetrics =
  | { regionId: string; series: RegionSeries }
  | { regionId: string; series: null; reason: UnreadReason };

/** What `GET /api/regions/metrics` answers. */
export interface MetricHistoryAnswer {
  window: MetricWindow;
  /** Start of the first point, ms since 1970 by the clock of the process that answers. */
  fromMs: number;
  stepMs: number;
  points: number;
  regions: RegionMetrics[];
}

import type { RegionId } from "@/lib/db/regions/region-id";
import type { ControlSample } from "./region-control";
import type { FailoverSettings } from "./settings";

/** What one observer knows of a region. Times are of the observer's monotonic clock, in ms. */
export interface RegionView {
  readonly region: RegionId;
  readonly sample: ControlSample | null;
  /** When the newest sample arrived. */
  readonly sampledAtMs: number | null;
  /** Since when every probe has failed; null while they succeed. */
  readonly failingSinceMs: number | null;
  /**
   * Since when its count of grants has been seen to stand still. Arrival, not departure: a grant that
   * the sample shows was made before it arrived, so its lease is no younger than this.
   */
  readonly grantsSinceMs: number;
  /** Since when its promised epoch has been seen to stand still. */
  readonly promisedSinceMs: number;
}

export interface Facts {
  /** The region whose worker decides, and that would lead. */
  readonly self: RegionId;
  readonly nowMs: number;
  readonly settings: FailoverSettings;
  /** Round trip to expect between two regions. Not what was measured: all candidates have to rank alike. */
  readonly distanceMs: (from: RegionId, to: RegionId) => number;
  readonly views: ReadonlyMap<RegionId, RegionView>;
  /** When this worker last asked for a renewal; null before. */
  readonly renewedAtMs: number | null;
  /** When its last attempt to lead ended; null before. */
  readonly attemptedAtMs: number | null;
  /** When it first heard of the present epoch. */
  readonly epochSinceMs: number;
  /** In [0, 1), drawn anew for each attempt: keeps candidates apart. */
  readonly jitter: number;
}

export function unseen(region: RegionId, nowMs: number): RegionView {
  return {
    region,
    sample: null,
    sampledAtMs: null,
    failingSinceMs: nowMs,
    grantsSinceMs: nowMs,
    promisedSinceMs: nowMs,
  };
}

export function noteSample(view: RegionView, sample: ControlSample, nowMs: number): RegionView {
  const before = view.sample;
  // Another actor is another database: what stood still there says nothing here.
  const same = before !== null && before.actor === sample.actor;
  return {
    region: view.region,
    sample,
    sampledAtMs: nowMs,
    failingSinceMs: null,
    grantsSinceMs: same && before.grants === sample.grants ? view.grantsSinceMs : nowMs,
    promisedSinceMs:
      same && before.promisedEpoch === sample.promisedEpoch ? view.promisedSinceMs : nowMs,
  };
}

/** `sentAtMs`: when the probe that failed was sent. */
export function noteFailure(view: RegionView, sentAtMs: number): RegionView {
  return { ...view, failingSinceMs: view.failingSinceMs ?? sentAtMs };
}

export function isFresh(view: RegionView | undefined, nowMs: number, settings: FailoverSettings) {
  if (!view || view.sampledAtMs === null || view.failingSinceMs !== null) return false;
  return nowMs - view.sampledAtMs <= settings.probeMs + settings.probeTimeoutMs;
}

/** The newest epoch that any region has heard of, and who leads it. */
export function newestEpoch(
  views: Iterable<RegionView>,
): Pick<ControlSample, "epoch" | "leader" | "leaderActor"> | null {
  let newest: ControlSample | null = null;
  for (const { sample } of views) {
    if (sample !== null && (newest === null || sample.epoch > newest.epoch)) newest = sample;
  }
  return newest;
}

export function majorityOf(regions: readonly unknown[]): number {
  return Math.floor(regions.length / 2) + 1;
}

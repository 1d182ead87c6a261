import type { MeanAndMax, RegionSeries, Values } from "./shape";

type Figure = number | null;

/** What mr.metric_history returns. A bucket is the number of its step since 1970. */
export interface RawHistory {
  /** The database's clock. */
  nowMs: number;
  /** bucket, peer, lag, max, latency, max, pending, stalled */
  streams: [number, string, Figure, Figure, Figure, Figure, Figure, boolean][];
  /** bucket, writes, max, applied, max, conflicts */
  region: [number, Figure, Figure, Figure, Figure, Figure][];
}

/** Points of equal length. */
export interface Grid {
  fromMs: number;
  stepMs: number;
  points: number;
}

/** The grid whose last point holds `nowMs`. */
export function gridUpTo(nowMs: number, stepMs: number, points: number): Grid {
  return { fromMs: (Math.floor(nowMs / stepMs) - points + 1) * stepMs, stepMs, points };
}

/**
 * A region's history on a grid; what it does not have is null. Pure.
 *
 * A region whose clock is off has its points moved by whole steps: they are drawn when they were taken,
 * not when it thought they were.
 *
 * @param readAtMs when `raw` was read, by the clock that the grid is of
 */
export function seriesOf(raw: RawHistory, grid: Grid, readAtMs: number): RegionSeries {
  const shift = Math.round((readAtMs - raw.nowMs) / grid.stepMs) - grid.fromMs / grid.stepMs;
  const within = (index: number) => index >= 0 && index < grid.points;
  const nothing = (): Values => new Array<Figure>(grid.points).fill(null);
  const both = (): MeanAndMax => ({ mean: nothing(), max: nothing() });

  const own = { writesPerS: both(), appliedPerS: both(), conflicts: nothing() };
  for (const [bucket, writes, writesMax, applied, appliedMax, conflicts] of raw.region) {
    const index = bucket + shift;
    if (!within(index)) continue;
    set(own.writesPerS, index, writes, writesMax);
    set(own.appliedPerS, index, applied, appliedMax);
    own.conflicts[index] = conflicts;
  }

  const streams = new Map<string, RegionSeries["streams"][number]>();
  for (const [bucket, peer, lag, lagMax, latency, latencyMax, pending, stalled] of raw.streams) {
    const index = bucket + shift;
    if (!within(index)) continue;
    let stream = streams.get(peer);
    if (!stream) {
      stream = {
        peer,
        lagMs: both(),
        latencyMs: both(),
        pending: nothing(),
        stalled: nothing(),
      };
      streams.set(peer, stream);
    }
    set(stream.lagMs, index, lag, lagMax);
    set(stream.latencyMs, index, latency, latencyMax);
    stream.pending[index] = pending;
    if (stalled) stream.stalled[index] = 1;
  }
  const byPeer = [...streams.values()].sort((a, b) => (a.peer < b.peer ? -1 : 1));
  return { streams: byPeer, ...own };
}

function set({ mean, max }: MeanAndMax, index: number, meanValue: Figure, maxValue: Figure): void {
  mean[index] = round(meanValue);
  max[index] = round(maxValue);
}

/** Four digits are more than a chart shows, and a third of the bytes. */
function round(value: Figure): Figure {
  return value === null ? null : Number(value.toPrecision(4));
}

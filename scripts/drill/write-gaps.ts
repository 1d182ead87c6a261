import type { Durability } from "@/lib/db/conflicts/policy";
import type { RegionId } from "@/lib/db/regions/region-id";

/** By a client of the drill. */
export interface Acknowledged {
  id: string;
  /** That took it. */
  regionId: RegionId;
  durability: Durability;
  atMs: number;
}

export interface Quantiles {
  p50: number;
  p95: number;
  max: number;
}

/** The longest time between two acknowledgements, the last one before it began included, in ms. */
export function longestGap<T extends Pick<Acknowledged, "atMs">>(
  acknowledged: readonly T[],
  startMs: number,
  endMs: number,
  counts: (write: T) => boolean = () => true,
): number {
  const times = acknowledged
    .filter(counts)
    .map(({ atMs }) => atMs)
    .filter((atMs) => atMs <= endMs);
  const first = times.findLastIndex((atMs) => atMs <= startMs);
  let longest = 0;
  for (let i = Math.max(first, 0) + 1; i < times.length; i++) {
    longest = Math.max(longest, (times[i] ?? 0) - (times[i - 1] ?? 0));
  }
  return longest;
}

export function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

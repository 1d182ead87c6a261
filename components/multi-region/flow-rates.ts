import type { RegionStatus } from "@/lib/region-status-shape";

/** Writes of one region on their way into another one. */
export interface Flow {
  source: string;
  target: string;
  /** How far the target is behind; null where that is not known. */
  lagMs: number | null;
  stalled: boolean;
  pendingWrites: number | null;
  /** Applied between the last two answers; null before the second one. */
  perSecond: number | null;
}

/** A longer pause between two answers makes no rate of now, in ms. */
const LONGEST_MS = 30_000;

/** The streams between all regions, and what came through each between two answers. Pure. */
export function flowsOf(
  now: readonly RegionStatus[],
  before: readonly RegionStatus[] | null,
): Flow[] {
  return now.flatMap((target) =>
    Object.entries(target.replicationLag).map(([source, lag]) => ({
      source,
      target: target.regionId,
      lagMs: lag.kind === "unknown" ? null : lag.ms,
      stalled: lag.kind === "stalled",
      pendingWrites: lag.kind === "unknown" ? null : (lag.pendingWrites ?? null),
      perSecond: rateOf(
        target,
        before?.find(({ regionId }) => regionId === target.regionId),
        source,
      ),
    })),
  );
}

function rateOf(
  now: RegionStatus,
  before: RegionStatus | undefined,
  source: string,
): number | null {
  const [from, to] = [before?.facts?.appliedEvents[source], now.facts?.appliedEvents[source]];
  if (from === undefined || to === undefined || !before?.checkedAt || !now.checkedAt) return null;
  const ms = Date.parse(now.checkedAt) - Date.parse(before.checkedAt);
  if (!(ms > 0 && ms <= LONGEST_MS)) return null;
  const events = Number(BigInt(to) - BigInt(from));
  // A database that was replaced counts anew.
  return events < 0 ? null : (events * 1000) / ms;
}

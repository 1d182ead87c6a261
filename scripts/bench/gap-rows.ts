import { quantiles } from "@/scripts/drill/write-gaps";
import { isMet, median, round, withoutPeer, type BenchRow } from "./statistics";

/** Gaps, in ms, in the order of their rounds. */
export interface PeerGaps {
  peer: string;
  /** null where the peer cannot be run. */
  gaps: readonly number[] | null;
}

const SHARES = ["p50", "p95", "max"] as const;

/**
 * p50, p95 (nearest rank) and the greatest of gaps beside a peer's. The ratio is of these; its bounds are those of
 * the rounds that stand beside each other, as many as both have.
 *
 * @param p95AtMost target of our p95, ms
 */
export function gapRows(
  what: string,
  gaps: readonly number[],
  { peer, gaps: peerGaps }: PeerGaps,
  p95AtMost: number,
): BenchRow[] {
  const own = quantiles(gaps);
  return SHARES.map((share) => {
    const name = `${what}, ${share}`;
    const target = share === "p95" ? { valueAtMost: p95AtMost } : undefined;
    if (!peerGaps) return withoutPeer(name, "ms", peer, own[share], target);
    const value = own[share];
    const peerValue = quantiles(peerGaps)[share];
    const ratios = gaps.slice(0, peerGaps.length).map((gap, n) => gap / peerGaps[n]!);
    const ratio = share === "p50" ? median(ratios) : value / peerValue;
    return {
      ...{ what: name, value, unit: "ms", peer, peerValue, ratio: round(ratio) },
      ...{ min: round(Math.min(...ratios)), max: round(Math.max(...ratios)) },
      ...(target ? { target, met: isMet(target, value, ratio) } : {}),
    };
  });
}

/** Acknowledged and not there in the end. Nothing beside nothing is a ratio of 1. */
export function lostRow(peer: string, lost: number, peerLost: number | null): BenchRow {
  const what = "acknowledged writes lost";
  if (peerLost === null) return withoutPeer(what, "writes", peer, lost, { valueAtMost: 0 });
  const ratio = lost === peerLost ? 1 : round(lost / peerLost);
  return {
    ...{ what, value: lost, unit: "writes", peer, peerValue: peerLost },
    ...{ ratio, min: ratio, max: ratio, target: { valueAtMost: 0 }, met: lost === 0 },
  };
}

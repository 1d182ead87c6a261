import { quantiles } from "@/scripts/drill/write-gaps";
import { isMet, round, withoutPeer, type BenchRow } from "./statistics";

/** Gaps of rounds, in ms. */
export interface PeerGaps {
  peer: string;
  /** null where the peer cannot be run. */
  gaps: readonly number[] | null;
}

const SHARES = ["p50", "p95", "max"] as const;

/**
 * p50, p95 (nearest rank) and the greatest of gaps beside a peer's, of which there may be fewer. The ratio is of these;
 * its bounds are our least to the peer's greatest gap and our greatest to its least.
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
    const ratio = value / peerValue;
    const min = round(Math.min(...gaps) / Math.max(...peerGaps));
    const max = round(Math.max(...gaps) / Math.min(...peerGaps));
    return {
      ...{ what: name, value, unit: "ms", peer, peerValue, ratio: round(ratio), min, max },
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

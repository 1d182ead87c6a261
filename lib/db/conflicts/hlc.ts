/**
 * Hybrid logical clock (Kulkarni et al., 2014) in 64 bits: ms since the epoch in the upper 48, a
 * counter in the lower 16. Never a `number`: it exceeds 2^53. `mr.stamp` makes them.
 */
export type Hlc = bigint & { readonly __brand: "Hlc" };

const COUNTER_BITS = 16n;

export function toHlc(value: bigint | string): Hlc {
  const hlc = BigInt(value);
  if (hlc < 0n || hlc >= 2n ** 63n) throw new RangeError("Not an HLC");
  return hlc as Hlc;
}

/** Milliseconds since the epoch. */
export function hlcMs(hlc: Hlc): number {
  return Number(hlc >> COUNTER_BITS);
}

export function hlcCounter(hlc: Hlc): number {
  return Number(hlc & ((1n << COUNTER_BITS) - 1n));
}

/** The stamp of a write at `nowMs` to a row that was last stamped `last`: always greater than it. */
export function nextHlc(last: Hlc | null, nowMs: number): Hlc {
  const physical = BigInt(Math.floor(nowMs)) << COUNTER_BITS;
  return (last !== null && last >= physical ? last + 1n : physical) as Hlc;
}

export interface Stamp {
  hlc: Hlc;
  origin: string;
}

/** Order of last-write-wins: by HLC, then by origin, so that no two versions are equal. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.hlc !== b.hlc) return a.hlc < b.hlc ? -1 : 1;
  return a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : 0;
}

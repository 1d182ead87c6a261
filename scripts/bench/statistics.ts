/** A figure beside its peer's, both from the same run. */
export interface BenchRow {
  what: string;
  /** Median of the rounds. */
  value: number;
  unit: string;
  peer: string;
  /** null, as are the ratios, where the peer cannot be run. */
  peerValue: number | null;
  /** Median of the rounds' ratios, value to peer. */
  ratio: number | null;
  /** Least and greatest ratio of a round. */
  min: number | null;
  max: number | null;
  /** Bound of the ratio, or of the value itself; `met` compares with it. */
  target?:
    { atLeast: number } | { atMost: number } | { valueAtMost: number } | { valueAtLeast: number };
  met?: boolean;
}

export interface BenchResult {
  name: string;
  rows: BenchRow[];
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const round = (value: number) => Number(value.toPrecision(4));

/** `pairs` holds [value, peer's value] of each round. */
export function compareRounds(
  what: string,
  unit: string,
  peer: string,
  pairs: readonly (readonly [number, number])[],
  target?: BenchRow["target"],
): BenchRow {
  const ratios = pairs.map(([value, other]) => value / other);
  const ratio = median(ratios);
  const value = median(pairs.map(([one]) => one));
  return {
    what,
    value: round(value),
    unit,
    peer,
    peerValue: round(median(pairs.map(([, other]) => other))),
    ratio: round(ratio),
    min: round(Math.min(...ratios)),
    max: round(Math.max(...ratios)),
    ...(target ? { target, met: isMet(target, value, ratio) } : {}),
  };
}

/** A value whose peer cannot be run. */
export function withoutPeer(
  what: string,
  unit: string,
  peer: string,
  value: number,
  target?: BenchRow["target"],
): BenchRow {
  return {
    ...{ what, value: round(value), unit, peer },
    ...{ peerValue: null, ratio: null, min: null, max: null },
    ...(target ? { target, met: isMet(target, value, NaN) } : {}),
  };
}

export function isMet(
  target: NonNullable<BenchRow["target"]>,
  value: number,
  ratio: number,
): boolean {
  if ("valueAtMost" in target) return value <= target.valueAtMost;
  if ("valueAtLeast" in target) return value >= target.valueAtLeast;
  return "atLeast" in target ? ratio >= target.atLeast : ratio <= target.atMost;
}

/**
 * Each in turn, round after round, so that what goes on elsewhere on the machine meets all alike. The first round counts
 * for none: what is compiled, planned and connected at first use is so by then.
 *
 * @returns for each round that counts, what each has measured
 */
export async function interleave<T>(
  rounds: number,
  measures: readonly ((round: number) => Promise<T>)[],
): Promise<T[][]> {
  const counted: T[][] = [];
  for (let round = 0; round <= rounds; round++) {
    const measured: T[] = [];
    for (const measure of measures) measured.push(await measure(round));
    if (round > 0) counted.push(measured);
  }
  return counted;
}

/** Of each round, what two of them have measured. */
export function pairsOf<T>(rounds: readonly (readonly T[])[], one = 0, other = 1): [T, T][] {
  return rounds.map((round) => [round[one]!, round[other]!]);
}

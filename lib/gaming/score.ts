/** Points that a player can have at most. */
export const MAX_SCORE = 1_000_000;

/** Seconds that fit below a score; enough until 2094. */
const SECONDS = 2 ** 31;
const SINCE_MS = Date.UTC(2026, 0, 1);

/**
 * One number by which the board is ordered, greater is better: by score, and of equal scores the earlier one. It fits
 * into a double, so it is the same number in JSON, in SQL and here.
 *
 * @throws RangeError for a score that is not whole, or not from 0 to 1,000,000
 */
export function toBest(score: number, atMs: number): number {
  if (!Number.isInteger(score) || score < 0 || score > MAX_SCORE) {
    throw new RangeError(`Not a whole number from 0 to ${MAX_SCORE}: ${score}`);
  }
  const seconds = Math.min(SECONDS - 1, Math.max(0, Math.floor((atMs - SINCE_MS) / 1_000)));
  return score * SECONDS + (SECONDS - 1 - seconds);
}

export function scoreOf(best: number): number {
  return Math.floor(best / SECONDS);
}

/** When it was reached, to the second, in ms since the Unix epoch. */
export function reachedAtMs(best: number): number {
  return SINCE_MS + (SECONDS - 1 - (best % SECONDS)) * 1_000;
}

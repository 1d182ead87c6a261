/*
 * The rules of a round, for the browser that shows it and for the server that judges it. Nothing here is
 * believed because a browser says so: the server deals the cards and plays the answers again.
 */

export const ROUND = {
  /** How long answers count, from the first card. */
  playMs: 15_000,
  /** From being shown that it begins until the first card. */
  readyMs: 2_000,
  /** What is left for the way there and back. Whoever cheats with time can have no more than this. */
  slackMs: 8_000,
  /** Nobody reads a city and presses a key in less. */
  minAnswerMs: 150,
} as const;

/** By the clock of the database that began it, from then until it no longer counts. */
export const ROUND_LIFE_MS = ROUND.readyMs + ROUND.playMs + ROUND.slackMs;

/** More than can be answered in a round. */
export const MAX_ANSWERS = Math.floor(ROUND.playMs / ROUND.minAnswerMs);

const POINTS = {
  right: 100,
  /** For an answer at once; one point less for each 50 ms. */
  speed: 60,
  /** For each right answer before it in a row, up to ten of them. */
  streak: 10,
  wrong: -100,
} as const;

/** A city, and the region that is nearest to it. */
export interface Card {
  city: string;
  nearest: string;
}

export interface RoundAnswer {
  /** Which region was said to be nearest to the next card's city. */
  regionId: string;
  /** From the first card, in whole ms. */
  atMs: number;
}

export interface PlayedCard extends Card {
  said: string;
  right: boolean;
  points: number;
}

export type Played =
  | { kind: "played"; score: number; right: number; streak: number; cards: PlayedCard[] }
  /** No round could have gone so. */
  | { kind: "impossible"; reason: string };

/** What answers in order to the first of the cards are worth. Pure. */
export function playRound(cards: readonly Card[], answers: readonly RoundAnswer[]): Played {
  if (answers.length > cards.length) return impossible("There are more answers than cards.");
  let score = 0;
  let streak = 0;
  let longest = 0;
  let beforeMs = 0;
  const played: PlayedCard[] = [];
  for (const [index, { regionId, atMs }] of answers.entries()) {
    const card = cards[index];
    if (!card) return impossible("There are more answers than cards.");
    if (!Number.isInteger(atMs)) return impossible("A time is not in whole milliseconds.");
    const tookMs = atMs - beforeMs;
    if (tookMs < ROUND.minAnswerMs) return impossible("Nobody answers that fast.");
    if (atMs > ROUND.playMs) return impossible("An answer came after the end.");
    const right = regionId === card.nearest;
    const points = right
      ? POINTS.right +
        Math.max(0, POINTS.speed - Math.floor(tookMs / 50)) +
        POINTS.streak * Math.min(streak, 10)
      : POINTS.wrong;
    score = Math.max(0, score + points);
    streak = right ? streak + 1 : 0;
    longest = Math.max(longest, streak);
    beforeMs = atMs;
    played.push({ ...card, said: regionId, right, points });
  }
  const right = played.filter((card) => card.right).length;
  return { kind: "played", score, right, streak: longest, cards: played };
}

function impossible(reason: string): Played {
  return { kind: "impossible", reason };
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byDistance, distanceKm } from "@/lib/db/regions/distance";
import { CITIES } from "@/lib/gaming/cities";
import { dealCards } from "@/lib/gaming/deal-cards";
import {
  MAX_ANSWERS,
  playRound,
  ROUND,
  type Card,
  type RoundAnswer,
} from "@/lib/gaming/round-rules";
import { MAX_SCORE } from "@/lib/gaming/score";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const CARDS: Card[] = dealCards(7, DEFAULT_REGIONS);
const right = (index: number, atMs: number): RoundAnswer => ({
  regionId: CARDS[index]!.nearest,
  atMs,
});
const wrong = (index: number, atMs: number): RoundAnswer => ({
  regionId: DEFAULT_REGIONS.find(({ id }) => id !== CARDS[index]!.nearest)!.id,
  atMs,
});

function scoreOf(...answers: RoundAnswer[]): number {
  const played = playRound(CARDS, answers);
  if (played.kind !== "played") throw new Error(played.reason);
  return played.score;
}

describe("a round's worth", () => {
  it.each([
    ["nothing answered", [], 0],
    ["a right answer after a second", [right(0, 1_000)], 140],
    ["one that took three seconds or more", [right(0, 3_000)], 100],
    ["the second in a row", [right(0, 1_000), right(1, 2_000)], 290],
    ["a wrong one costs, and not more than there is", [wrong(0, 1_000)], 0],
    ["a wrong one after a right one", [right(0, 1_000), wrong(1, 2_000)], 40],
    ["a row begins anew", [right(0, 1_000), wrong(1, 2_000), right(2, 3_000)], 180],
  ])("%s", (_, answers, score) => {
    expect(scoreOf(...answers)).toBe(score);
  });

  it("counts what was right, and the longest row", () => {
    const answers = [right(0, 500), right(1, 1_000), wrong(2, 1_500), right(3, 2_000)];
    expect(playRound(CARDS, answers)).toMatchObject({ kind: "played", right: 3, streak: 2 });
  });

  it.each([
    ["faster than anybody", [right(0, ROUND.minAnswerMs - 1)]],
    ["two at the same time", [right(0, 1_000), right(1, 1_000)]],
    ["back in time", [right(0, 2_000), right(1, 1_000)]],
    ["after the end", [right(0, ROUND.playMs + 1)]],
    ["before the beginning", [right(0, -1)]],
    ["in parts of a millisecond", [right(0, 1_000.5)]],
    ["at no time", [right(0, Number.NaN)]],
    ["at a time without end", [right(0, Number.POSITIVE_INFINITY)]],
  ])("%s is impossible", (_, answers) => {
    expect(playRound(CARDS, answers).kind).toBe("impossible");
  });

  it("has no answers without cards", () => {
    expect(playRound(CARDS.slice(0, 1), [right(0, 500), right(1, 1_000)]).kind).toBe("impossible");
  });

  it("is a score that the board takes, whatever is sent", () => {
    const regions = [...DEFAULT_REGIONS.map(({ id }) => id), "nowhere"];
    const answer = fc.record({
      regionId: fc.constantFrom(...regions),
      atMs: fc.integer({ min: 0, max: ROUND.playMs }),
    });
    const inOrder = fc
      .array(answer, { maxLength: MAX_ANSWERS })
      .map((answers) => [...answers].sort((a, b) => a.atMs - b.atMs));
    fc.assert(
      fc.property(inOrder, (answers) => {
        const played = playRound(CARDS, answers);
        if (played.kind !== "played") return;
        expect(Number.isInteger(played.score)).toBe(true);
        expect(played.score).toBeGreaterThanOrEqual(0);
        expect(played.score).toBeLessThanOrEqual(MAX_SCORE);
        expect(played.cards).toHaveLength(answers.length);
        // Guessing at random does not pay more than knowing.
        const known = playRound(
          CARDS,
          answers.map(({ atMs }, n) => right(n, atMs)),
        );
        expect(known.kind === "played" && known.score).toBeGreaterThanOrEqual(played.score);
      }),
    );
  });
});

describe("cards", () => {
  it("are the same for a seed, and others for another", () => {
    expect(dealCards(7, DEFAULT_REGIONS)).toEqual(CARDS);
    expect(dealCards(8, DEFAULT_REGIONS)).not.toEqual(CARDS);
  });

  it("are enough, clear, and never the same city twice in a row", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const cards = dealCards(seed, DEFAULT_REGIONS);
        expect(cards).toHaveLength(MAX_ANSWERS);
        cards.slice(1).forEach(({ city }, n) => expect(city).not.toBe(cards[n]?.city));
      }),
      { numRuns: 50 },
    );
    for (const { city, nearest } of CARDS) {
      const place = CITIES.find(({ name }) => name === city)!;
      const [first, second] = byDistance(DEFAULT_REGIONS, place);
      expect(first?.id, city).toBe(nearest);
      expect(distanceKm(place, second!), city).toBeGreaterThan(1.2 * distanceKm(place, first!));
    }
  });

  it("ask for every region", () => {
    const asked = new Set(CARDS.map(({ nearest }) => nearest));
    expect(asked).toEqual(new Set(DEFAULT_REGIONS.map(({ id }) => id)));
  });

  it("are dealt where there is one region, or none is clearly nearest", () => {
    const [one] = DEFAULT_REGIONS;
    expect(dealCards(1, [one!])).toHaveLength(MAX_ANSWERS);
    const same = DEFAULT_REGIONS.map(({ id }) => ({ id, latitude: 0, longitude: 0 }));
    expect(dealCards(1, same)).toHaveLength(MAX_ANSWERS);
  });
});

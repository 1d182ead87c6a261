import { describe, expect, it } from "vitest";
import { compareRounds, median, quantile } from "@/scripts/bench/statistics";

describe("quantiles", () => {
  it("lie between two values where they fall between them", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  });
});

describe("a row", () => {
  const pairs = [
    [2, 1],
    [3, 3],
    [9, 3],
  ] as const;

  it("has the median of the rounds' ratios, not the ratio of the medians", () => {
    expect(compareRounds("writes", "ms", "plain", pairs)).toEqual({
      what: "writes",
      value: 3,
      unit: "ms",
      peer: "plain",
      peerValue: 3,
      ratio: 2,
      min: 1,
      max: 3,
    });
  });

  it("says whether its target is met, of the ratio or of the value", () => {
    const met = (target: Parameters<typeof compareRounds>[4]) =>
      compareRounds("writes", "ms", "plain", pairs, target).met;
    expect(met({ atMost: 2 })).toBe(true);
    expect(met({ atMost: 1.1 })).toBe(false);
    expect(met({ atLeast: 2 })).toBe(true);
    expect(met({ valueAtMost: 2.9 })).toBe(false);
    expect(met({ valueAtLeast: 3 })).toBe(true);
  });
});

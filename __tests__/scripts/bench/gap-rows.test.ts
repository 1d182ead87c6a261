import { describe, expect, it } from "vitest";
import { gapRows, lostRow } from "@/scripts/bench/gap-rows";

const GAPS = [1_000, 2_000, 3_000, 4_000];

describe("rows of gaps", () => {
  it("have p50, p95 and the greatest, beside the peer's", () => {
    const rows = gapRows("gap", GAPS, { peer: "peer", gaps: [2_000, 8_000] }, 5_000);
    expect(rows.map(({ what, value, peerValue }) => [what, value, peerValue])).toEqual([
      ["gap, p50", 2_000, 2_000],
      ["gap, p95", 4_000, 8_000],
      ["gap, max", 4_000, 8_000],
    ]);
  });

  it("compare them, between the extremes of both", () => {
    const [p50, p95] = gapRows("gap", GAPS, { peer: "peer", gaps: [2_000, 8_000] }, 5_000);
    expect(p50).toMatchObject({ ratio: 1, min: 0.125, max: 2 });
    expect(p95).toMatchObject({ ratio: 0.5, min: 0.125, max: 2 });
  });

  it("judge p95 alone, with or without a peer", () => {
    for (const gaps of [GAPS, null]) {
      const met = (p95AtMost: number) =>
        gapRows("gap", GAPS, { peer: "peer", gaps }, p95AtMost).map((row) => row.met);
      expect(met(4_000)).toEqual([undefined, true, undefined]);
      expect(met(3_999)).toEqual([undefined, false, undefined]);
    }
  });

  it("say nothing of a peer that cannot be run", () => {
    const [row] = gapRows("gap", GAPS, { peer: "none", gaps: null }, 5_000);
    expect(row).toEqual({
      what: "gap, p50",
      value: 2_000,
      unit: "ms",
      peer: "none",
      peerValue: null,
      ratio: null,
      min: null,
      max: null,
    });
  });
});

describe("the row of lost writes", () => {
  it("is met by none", () => {
    expect(lostRow("peer", 0, 12)).toMatchObject({ value: 0, peerValue: 12, ratio: 0, met: true });
    expect(lostRow("peer", 1, null)).toMatchObject({ value: 1, peerValue: null, met: false });
  });

  it("is a number where neither lost any", () => {
    expect(lostRow("peer", 0, 0)).toMatchObject({ ratio: 1, met: true });
  });
});

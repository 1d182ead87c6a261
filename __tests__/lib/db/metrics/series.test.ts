import { describe, expect, it } from "vitest";
import { gridUpTo, seriesOf, type RawHistory } from "@/lib/db/metrics/series";

const STEP = 15_000;
const NOW = Date.UTC(2026, 10, 26, 12, 0, 7);
const last = Math.floor(NOW / STEP);

function raw(changes: Partial<RawHistory> = {}): RawHistory {
  return { nowMs: NOW, streams: [], region: [], ...changes };
}

describe("gridUpTo", () => {
  it("ends with the point that holds the present", () => {
    const grid = gridUpTo(NOW, STEP, 4);
    expect(grid.fromMs).toBe((last - 3) * STEP);
    expect(grid.fromMs + 4 * STEP).toBeGreaterThan(NOW);
  });
});

describe("seriesOf", () => {
  const grid = gridUpTo(NOW, STEP, 4);

  it("leaves null what is not there, and never zero", () => {
    const { streams, writesPerS, conflicts } = seriesOf(
      raw({
        streams: [
          [last - 3, "b", 12.34567, 20, 80, 90, 3, false],
          [last - 1, "b", null, null, null, null, null, true],
          [last, "a", 0, 0, 70, 70, 0, false],
        ],
        region: [[last, 0, 0, null, null, 0]],
      }),
      grid,
      NOW,
    );
    expect(streams.map(({ peer }) => peer)).toEqual(["a", "b"]);
    expect(streams[1]).toEqual({
      peer: "b",
      lagMs: { mean: [12.35, null, null, null], max: [20, null, null, null] },
      latencyMs: { mean: [80, null, null, null], max: [90, null, null, null] },
      pending: [3, null, null, null],
      stalled: [null, null, 1, null],
    });
    expect(streams[0]?.lagMs.mean).toEqual([null, null, null, 0]);
    expect(writesPerS.mean).toEqual([null, null, null, 0]);
    expect(conflicts).toEqual([null, null, null, 0]);
  });

  it("leaves out what is older than the grid", () => {
    const { conflicts } = seriesOf(raw({ region: [[last - 4, 1, 1, 1, 1, 1]] }), grid, NOW);
    expect(conflicts).toEqual([null, null, null, null]);
  });

  it("draws what a clock that is off says where it was taken", () => {
    for (const [offMs, points] of [
      [4 * STEP, [null, null, 7, null]],
      [-6 * STEP, [null, null, 7, null]],
      // Less than half a step is left as it is.
      [6_000, [null, null, 7, null]],
    ] as const) {
      const shift = Math.round(offMs / STEP);
      const { conflicts } = seriesOf(
        raw({ nowMs: NOW + offMs, region: [[last - 1 + shift, 1, 1, 1, 1, 7]] }),
        grid,
        NOW,
      );
      expect(conflicts).toEqual(points);
    }
  });
});

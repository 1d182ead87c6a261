import { describe, expect, it } from "vitest";
import type { RegionId } from "@/lib/db/regions/region-id";
import { longestGap, quantiles, type Acknowledged } from "@/scripts/drill/write-gaps";

const write = (atMs: number, durability: "region" | "quorum" = "region"): Acknowledged => ({
  id: `${atMs}`,
  regionId: "us-east-1" as RegionId,
  durability,
  atMs,
});

describe("the longest gap between acknowledgements", () => {
  it("begins with the last one before the fault", () => {
    const writes = [write(0), write(90), write(2_390), write(2_400)];
    expect(longestGap(writes, 100, 3_000)).toBe(2_300);
  });

  it("is of the writes that count", () => {
    const writes = [write(90, "quorum"), write(500), write(1_000), write(2_000, "quorum")];
    const quorum = longestGap(writes, 100, 3_000, ({ durability }) => durability === "quorum");
    expect(quorum).toBe(1_910);
  });

  it("does not look past the round", () => {
    expect(longestGap([write(90), write(200), write(9_000)], 100, 1_000)).toBe(110);
  });
});

describe("quantiles", () => {
  it("are nearest ranks", () => {
    const values = Array.from({ length: 20 }, (_, n) => 20 - n);
    expect(quantiles(values)).toEqual({ p50: 10, p95: 19, max: 20 });
    expect(quantiles([7])).toEqual({ p50: 7, p95: 7, max: 7 });
  });
});

import { describe, expect, it } from "vitest";
import { overview } from "@/__tests__/support/overviews";
import { LatencyWindow } from "@/lib/db/regions/latency-window";
import { toPosition } from "@/lib/db/sessions/positions";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;

/** What the worker of Dublin says of Virginia. */
const seen = (latencyMs: number, failedForMs: number | null = null) =>
  overview({
    region: EU,
    peers: [
      {
        region: US,
        actor: "us-east-1" as Actor,
        head: toPosition(1n),
        lastEvent: toPosition(1n),
        pending: 0,
        schemaVersion: 1,
        latencyMs,
        clockOffsetMs: 0,
        ageMs: 0,
        failedForMs,
      },
    ],
  });

describe("the window of round trips", () => {
  it("has no quantiles of too few", () => {
    const window = new LatencyWindow();
    for (let n = 0; n < 4; n++) window.note(EU, seen(70));
    expect(window.of(EU, US)).toBeNull();
    window.note(EU, seen(70));
    expect(window.of(EU, US)).toEqual({ p50Ms: 70, p95Ms: 70, samples: 5 });
    expect(window.of(US, EU)).toBeNull();
  });

  it("takes the nearest rank, in whatever order they came", () => {
    const window = new LatencyWindow();
    for (const ms of [90, 10, 50, 30, 70, 20, 100, 40, 80, 60]) window.note(EU, seen(ms));
    expect(window.of(EU, US)).toEqual({ p50Ms: 50, p95Ms: 100, samples: 10 });
  });

  it("counts an overview once, and nothing that failed", () => {
    const window = new LatencyWindow();
    const one = seen(70);
    for (let n = 0; n < 10; n++) window.note(EU, one);
    for (let n = 0; n < 10; n++) window.note(EU, seen(1, 500));
    expect(window.of(EU, US)).toBeNull();
  });

  it("forgets after five minutes", () => {
    let nowMs = 0;
    const window = new LatencyWindow(() => nowMs);
    for (let n = 0; n < 5; n++) window.note(EU, seen(70));
    nowMs = 300_001;
    expect(window.of(EU, US)).toBeNull();
  });
});

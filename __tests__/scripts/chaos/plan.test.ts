import { describe, expect, it } from "vitest";
import {
  LONE_FAULTS,
  NETWORK_FAULTS,
  planFaults,
  REGION_FAULTS,
  type Act,
} from "@/scripts/drill/chaos/plan";
import { AP, REGIONS } from "./support";

function firstActs(seed: number, smallDisk: string | null, count = 12): Act[] {
  const acts = planFaults({ seed, regions: REGIONS, smallDisk });
  return Array.from({ length: count }, () => acts.next().value as Act);
}

const faultsOf = (acts: readonly Act[]) => acts.flatMap(({ lanes }) => lanes.flat());

describe("a plan of faults", () => {
  it("follows from its seed", () => {
    expect(firstActs(7, null)).toEqual(firstActs(7, null));
    expect(firstActs(7, null)).not.toEqual(firstActs(8, null));
  });

  it("has every kind, and numbers each fault", () => {
    const faults = faultsOf(firstActs(1, AP));
    const kinds = new Set(faults.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([...NETWORK_FAULTS, ...REGION_FAULTS, ...LONE_FAULTS].sort());
    expect(faults.map(({ number }) => number)).toEqual(faults.map((_, n) => n));
  });

  it("fills no disk where there is none to fill", () => {
    const kinds = faultsOf(firstActs(1, null)).map(({ kind }) => kind);
    expect(kinds).not.toContain("disk-full");
  });

  it("ends each fault, and goes back to old databases while nothing else is wrong", () => {
    for (let seed = 0; seed < 50; seed++) {
      for (const { lanes } of firstActs(seed, AP)) {
        for (const fault of lanes.flat()) {
          expect(fault.holdMs).toBeLessThanOrEqual(7_000);
          expect(fault.other).not.toBe(fault.region);
          if (!LONE_FAULTS.some((kind) => kind === fault.kind)) continue;
          expect(lanes.flat()).toHaveLength(1);
          // A copy of its data directory is without what is on the small disk.
          expect(fault.region).not.toBe(AP);
        }
      }
    }
  });
});

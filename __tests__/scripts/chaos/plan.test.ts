import { describe, expect, it } from "vitest";
import { FAILPOINTS } from "@/lib/failpoints";
import {
  FAULT_KINDS,
  LONE_FAULTS,
  planFaults,
  type Act,
  type PlanOptions,
} from "@/scripts/drill/chaos/plan";
import { passedAtWork, wayTo } from "@/scripts/drill/chaos/points";
import { AP, REGIONS } from "./support";

const ALL = { regions: REGIONS, smallDisk: AP, previous: true, minutes: 10, only: null };

function firstActs(seed: number, options: Partial<PlanOptions> = {}, count = 12): Act[] {
  const acts = planFaults({ ...ALL, seed, ...options });
  return Array.from({ length: count }, () => acts.next().value as Act);
}

const faultsOf = (acts: readonly Act[]) => acts.flatMap(({ lanes }) => lanes.flat());
const kindsOf = (acts: readonly Act[]) => new Set(faultsOf(acts).map(({ kind }) => kind));

describe("a plan of faults", () => {
  it("follows from its seed", () => {
    expect(firstActs(7)).toEqual(firstActs(7));
    expect(firstActs(7)).not.toEqual(firstActs(8));
  });

  it("has every kind, and numbers each fault", () => {
    const acts = firstActs(1);
    expect([...kindsOf(acts)].sort()).toEqual([...FAULT_KINDS].sort());
    const faults = faultsOf(acts);
    expect(faults.map(({ number }) => number)).toEqual(faults.map((_, n) => n));
  });

  it("fills no disk where there is none to fill, and starts no earlier version where none is given", () => {
    const kinds = kindsOf(firstActs(1, { smallDisk: null, previous: false }));
    expect(kinds).not.toContain("disk-full");
    expect(kinds).not.toContain("worker-of-before");
    expect(kinds).toContain("second-worker");
  });

  it("has only what is asked for, and nothing of what can't be made", () => {
    const only = ["cut", "worker-killed-at", "healing-killed-at"] as const;
    expect(kindsOf(firstActs(1, { only }))).toEqual(new Set(only));
    expect(kindsOf(firstActs(1, { only: ["region-rebuilt"] }))).toEqual(
      new Set(["region-rebuilt"]),
    );
    expect(() => firstActs(1, { only: ["disk-full"], smallDisk: null })).toThrow(RangeError);
  });

  it("has workers of an earlier version in place of a region's own and beside it", () => {
    const faults = faultsOf(firstActs(1, {}, 60));
    const company = (kind: string) =>
      new Set(faults.filter((fault) => fault.kind === kind).map(({ beside }) => beside));
    expect(company("worker-of-before")).toEqual(new Set([true, false]));
    expect(company("second-worker")).toEqual(new Set([true]));
    expect(company("worker-killed-at")).toEqual(new Set([false]));
  });

  it("deals every point that its clients get workers to, each before one has its second turn", () => {
    // Nothing is wished for by a reader of a leaderless entity, and no event is poisoned.
    const never = ["syncer:taken", "retrier:retried"];
    const faults = faultsOf(firstActs(3, {}, 80));
    const dealt = faults.flatMap(({ points }) => points.map(({ point }) => point));
    expect(new Set(dealt)).toEqual(new Set(FAILPOINTS.filter((point) => !never.includes(point))));
    const atWork = faults.filter(({ kind }) => kind === "worker-killed-at");
    const inTurn = atWork.flatMap(({ points }) => points.map(({ point }) => point));
    expect(new Set(inTurn.slice(0, 9)).size).toBe(9);
    expect(new Set(atWork.map(({ points }) => points.length))).toEqual(new Set([1, 2]));
    const passings = new Set(atWork.flatMap(({ points }) => points.map(({ passing }) => passing)));
    expect(passings.size).toBeGreaterThan(5);
  });

  it("waits for a worker to get to its point, and in a short run deals none that take long", () => {
    for (const { kind, points, holdMs } of faultsOf(firstActs(4, {}, 80))) {
      if (kind !== "worker-killed-at") continue;
      for (const { point } of points) {
        expect(passedAtWork(point).withinMs).toBeGreaterThan(0);
        expect(holdMs).toBeGreaterThanOrEqual(passedAtWork(point).withinMs);
      }
    }
    const brief = faultsOf(firstActs(4, { minutes: 1 }, 80)).flatMap(({ points }) => points);
    expect(brief.map(({ point }) => point)).not.toContain("collector:deleted");
  });

  it("kills candidates where somebody leads, and the one that renews a lease there, too", () => {
    const faults = faultsOf(firstActs(5, {}, 80));
    const candidacies = faults.filter(({ kind }) => kind === "candidates-killed-at");
    expect(candidacies.every(({ atLeader }) => atLeader)).toBe(true);
    const ways = new Set(candidacies.map(({ points }) => wayTo(points[0]!.point)));
    expect(ways).toEqual(new Set(["kill", "failover", "switchover"]));
    const renewals = faults.filter(({ points }) => points[0]?.point === "lease:granted");
    expect(renewals.length).toBeGreaterThan(0);
    expect(renewals.every(({ atLeader }) => atLeader)).toBe(true);
  });

  it("ends each fault, and goes back to old databases while nothing else is wrong", () => {
    for (let seed = 0; seed < 50; seed++) {
      for (const { lanes } of firstActs(seed)) {
        for (const fault of lanes.flat()) {
          expect(fault.holdMs).toBeLessThanOrEqual(fault.points.length > 0 ? 75_000 : 15_000);
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

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AP, EU, IDS, US } from "@/__tests__/support/routing-world";
import { LeaderSearch } from "@/lib/db/failover/leader-search";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Topology } from "@/lib/db/regions/topology";

/** Regions that take 100 ms to say who leads, but for the ones that never answer. */
class World {
  leader = US;
  holdsLease = false;
  silent = new Set<RegionId>([US]);
  asked: RegionId[] = [];
  readonly search = new LeaderSearch(
    {
      leader: () => ({ region: this.leader, epoch: 1 }),
      askLeader: (_, region) => {
        this.asked.push(region);
        return new Promise((resolve) => {
          if (this.silent.has(region)) return;
          const answer = () => ({ leader: this.leader, epoch: 1, holdsLease: this.holdsLease });
          setTimeout(() => resolve(answer()), 100);
        });
      },
    },
    () => ({ regions: IDS.map((id) => ({ id })) }) as unknown as Topology,
  );
}

describe("who waits for a leader", () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }),
  );
  afterEach(() => void vi.useRealTimers());

  /** When it was told, in ms. */
  async function waited(wait: Promise<void>, stepMs = 10): Promise<number> {
    const startMs = performance.now();
    let endMs: number | null = null;
    void wait.then(() => (endMs = performance.now()));
    while (endMs === null) await vi.advanceTimersByTimeAsync(stepMs);
    return endMs - startMs;
  }

  test("is told when another one has its lease, whatever the others do", async () => {
    const world = new World();
    setTimeout(() => (world.leader = EU), 100);
    setTimeout(() => (world.holdsLease = true), 420);
    expect(await waited(world.search.wait(AP, { former: US, timeoutMs: 5_000 }))).toBeLessThan(600);
  });

  test("waits no longer than it wants to", async () => {
    const world = new World();
    expect(await waited(world.search.wait(AP, { former: US, timeoutMs: 300 }))).toBeLessThan(320);
  });

  test("is told that the former one is back, where that is asked for", async () => {
    const world = new World();
    world.silent.clear();
    world.holdsLease = true;
    const back = world.search.wait(AP, { former: US, backAfterMs: 200, timeoutMs: 5_000 });
    expect(await waited(back)).toBeLessThan(350);
    expect(await waited(world.search.wait(AP, { former: US, timeoutMs: 700 }))).toBeGreaterThan(
      690,
    );
  });

  test("shares its questions with all others, and asks nobody afterwards", async () => {
    const world = new World();
    const all = Array.from({ length: 100 }, () =>
      world.search.wait(AP, { former: US, timeoutMs: 1_500 }),
    );
    await waited(Promise.all(all).then(() => undefined));
    // Each of the two that answer is asked every 150 ms, the silent one every 1,050.
    expect(world.asked.length).toBeLessThanOrEqual(25);
    await vi.advanceTimersByTimeAsync(2_000);
    const asked = world.asked.length;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(world.asked).toHaveLength(asked);
  });

  test("is told a few at a time, the longest waiting first", async () => {
    const world = new World();
    const told: number[] = [];
    const all = Array.from({ length: 20 }, (_, n) =>
      world.search.wait(AP, { former: US }).then(() => told.push(n)),
    );
    world.leader = EU;
    world.holdsLease = true;
    const counts: number[] = [];
    for (let i = 0; i < 4; i++) {
      await vi.advanceTimersByTimeAsync(150);
      counts.push(told.length);
    }
    expect(counts).toEqual([3, 9, 20, 20]);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    await Promise.all(all);
  });

  test("stops when nobody wants to know any more", async () => {
    const world = new World();
    const ended = new AbortController();
    const wait = world.search.wait(AP, { former: US, signal: ended.signal });
    setTimeout(() => ended.abort(), 200);
    expect(await waited(wait)).toBeLessThan(220);
  });
});

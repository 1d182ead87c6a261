import { describe, expect, it } from "vitest";
import {
  PLANTED_BUGS,
  type PlantedBug,
} from "@/__tests__/support/failover-simulation/planted-bugs";
import type { Violation } from "@/__tests__/support/failover-simulation/checker";
import { simulate } from "@/__tests__/support/failover-simulation/simulate";

/** A number: that history alone, with all that happens in it. */
const SEED = process.env.SIMULATION_SEED;
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 3_000);

/** Within how many seeds each planted bug has to be found: several times what it took. */
const FOUND_WITHIN = 20_000;

/** Where to begin to look for what few histories show. */
const RARE: Partial<Record<PlantedBug, number>> = { "measure-before-promise": 5_800 };

const FINDS: Record<PlantedBug, readonly Violation[]> = {
  "measure-before-promise": ["quorum-write-lost"],
  "no-pull": ["quorum-write-lost"],
  "fence-by-transaction-start": ["two-writers"],
  "no-fence-at-commit": ["two-writers"],
  "no-write-probe": ["no-leader"],
  "anybody-begins": ["two-leases", "two-writers"],
  "no-guard": ["two-leases", "two-writers"],
  "guard-by-acceptor-clock": ["two-leases", "two-writers"],
  "no-high-water-mark": ["two-leases", "two-writers"],
  "void-lease-revives": ["two-leases", "two-writers"],
  "held-in-spite-of-promise": ["quorum-write-lost"],
  "lease-from-when-held": ["two-leases", "two-writers"],
};

async function replay(seed: number, bug?: PlantedBug): Promise<string> {
  const lines = [`seed ${seed}`];
  await simulate({ seed, bug, trace: (line) => lines.push(line) });
  return lines.join("\n");
}

/** Null, or how it went in the first history in which a promise was broken. */
async function firstBroken(from: number, count: number): Promise<string | null> {
  for (let seed = from; seed < from + count; seed++) {
    const { violations } = await simulate({ seed });
    if (violations.length > 0) return replay(seed);
  }
  return null;
}

describe("leadership, simulated", () => {
  if (SEED !== undefined) {
    it(`in the history of seed ${SEED}`, async () => {
      const result = await simulate({ seed: Number(SEED) });
      console.log(await replay(Number(SEED)));
      expect(result.violations).toEqual([]);
    });
    return;
  }

  it(
    `keeps its promises in ${SEEDS} histories`,
    async () => {
      const startedMs = performance.now();
      expect(await firstBroken(1, SEEDS)).toBeNull();
      console.log(`${SEEDS} histories in ${Math.round(performance.now() - startedMs)} ms`);
    },
    SEEDS * 60,
  );

  it("is the same history each time", async () => {
    for (const seed of [3, 4, 5]) expect(await replay(seed)).toBe(await replay(seed));
  });

  it("is of leaders that change, and of writes that are taken", async () => {
    const seen = { changes: 0, acknowledged: 0, faults: 0 };
    for (let seed = 1; seed <= 200; seed++) {
      const { changes, acknowledged, faults } = await simulate({ seed });
      seen.changes += changes;
      seen.acknowledged += acknowledged;
      seen.faults += faults;
    }
    expect(seen.changes).toBeGreaterThan(50);
    expect(seen.acknowledged).toBeGreaterThan(2_000);
    expect(seen.faults).toBeGreaterThan(400);
  });

  it.each(PLANTED_BUGS)(
    "finds a planted bug: %s",
    async (bug) => {
      const from = RARE[bug] ?? 1;
      for (let seed = from; seed < from + FOUND_WITHIN; seed++) {
        const { violations } = await simulate({ seed, bug });
        const first = violations.find(({ violation }) => FINDS[bug].includes(violation));
        if (!first) continue;
        console.log(`${bug}: ${first.violation} in seed ${seed}`);
        return;
      }
      expect.fail(`${bug} was not found in ${FOUND_WITHIN} histories`);
    },
    FOUND_WITHIN * 60,
  );
});

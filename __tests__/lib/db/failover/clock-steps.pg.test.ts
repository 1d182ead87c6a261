import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Leaders } from "@/__tests__/support/leaders";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { makeClockSettable, setClock, TRUE_CLOCK } from "@/__tests__/support/set-clock";
import { waitFor } from "@/__tests__/support/wait-for";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { writeRow } from "@/lib/db/writes/write-row";
import type { PrismaClient } from "@/lib/generated/prisma/client";

const STEP_MS = 30_000;

let planet: TestPlanet;
let leaders: Leaders;
let runtimes: Runtime[];
const acknowledged: string[] = [];
const ended = new AbortController();
let writers: Promise<void>[];

beforeAll(async () => {
  planet = await startTestPlanet({ failover: {} });
  for (const { pool } of planet.regions) await makeClockSettable(pool);
  await planet.startWorkers();
  leaders = new Leaders(planet, TRUE_CLOCK);
  runtimes = planet.ids.map((id) => planet.runtime(id));
  await leaders.leader();
  writers = planet.ids.map((id, index) => write(id, runtimes[index]!));
});
afterAll(async () => {
  ended.abort();
  await Promise.all(writers);
  await leaders.stop();
  await planet.stop();
});
afterEach(async () => {
  leaders.healAll();
  await agree();
});

/** What all clocks show when none of them is wrong. */
let baseMs = 0;
const step = (region: string, ms: number) => setClock(planet.region(region).pool, baseMs + ms);
const agree = () => Promise.all(planet.ids.map((id) => step(id, 0)));

async function write(vantage: RegionId, runtime: Runtime): Promise<void> {
  const select = { id: true, origin: true, position: true } as const;
  while (!ended.signal.aborted) {
    const id = randomUUID();
    const data = { id, email: `${id}@example.com`, name: "x", passwordHash: "x" };
    const attempt = async (db: PrismaClient) =>
      (await db.user.findUnique({ where: { id }, select })) ?? db.user.create({ data, select });
    const outcome = await writeRow("User", vantage, attempt, {
      runtime: () => runtime,
      waitMs: 1_000,
      confirmMs: 1_000,
    }).catch(() => null);
    if (outcome?.kind === "placed" && outcome.confirmation.kind === "held") acknowledged.push(id);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Somebody gets writes acknowledged again. */
async function untilWritten(): Promise<void> {
  const before = acknowledged.length;
  await waitFor(async () => acknowledged.length > before + 5, {
    timeoutMs: 15_000,
    what: "acknowledged writes",
  });
}

describe("a clock that is set", () => {
  it.each([STEP_MS, -STEP_MS])("at the leader, by %i ms: one leader, as before", async (ms) => {
    const before = await leaders.settle();
    const at = await leaders.epoch();
    await step(before, ms);
    await waitFor(async () => (await leaders.now()).length === 1, { timeoutMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await leaders.leader()).toBe(before);
    await step(before, 0);
    await waitFor(async () => (await leaders.now()).length === 1, { timeoutMs: 5_000 });
    expect(await leaders.epoch()).toBe(at);
    // What was stamped ahead is applied once the time has come: it comes now.
    baseMs += Math.max(0, ms);
    await agree();
    await untilWritten();
  });

  it.each([STEP_MS, -STEP_MS])("at another region, by %i ms: nothing happens", async (ms) => {
    const before = await leaders.settle();
    const at = await leaders.epoch();
    const other = planet.ids.find((id) => id !== before)!;
    await step(other, ms);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await leaders.now()).toEqual([before]);
    expect(await leaders.epoch()).toBe(at);
    await untilWritten();
  });

  it.each([STEP_MS, -STEP_MS])(
    "at an acceptor, by %i ms, while the leader is cut off: the lease is waited out all the same",
    async (ms) => {
      const before = await leaders.settle();
      const other = planet.ids.find((id) => id !== before)!;
      leaders.isolate(before);
      await step(other, ms);
      await leaders.leader(before);
      await step(other, 0);
      await untilWritten();
    },
  );

  it.each([STEP_MS, -STEP_MS])(
    "at a leader that is cut off, by %i ms: its lease is over, not longer",
    async (ms) => {
      const before = await leaders.settle();
      leaders.isolate(before);
      await step(before, ms);
      expect(await leaders.now()).not.toContain(before);
      const after = await leaders.leader(before);
      await step(before, 0);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await leaders.now()).toEqual([after]);
      await untilWritten();
    },
  );

  it("made no two leaders, and lost no acknowledged write", async () => {
    ended.abort();
    await Promise.all(writers);
    expect(leaders.dual).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(100);
    for (const { pool } of planet.regions) {
      await waitFor(
        async () => {
          const { rows } = await pool.query<{ n: number }>(
            `SELECT count(*)::int AS n FROM "User" WHERE id = ANY ($1)`,
            [acknowledged],
          );
          return rows[0]?.n === acknowledged.length;
        },
        { timeoutMs: 20_000, what: "every acknowledged write" },
      );
    }
  });
});

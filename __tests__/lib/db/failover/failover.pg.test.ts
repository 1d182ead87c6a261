import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Leaders } from "@/__tests__/support/leaders";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { readAttempts } from "@/lib/db/failover/history";
import { writeToLeader } from "@/lib/db/failover/leader-write";
import { refreshLeadershipState } from "@/lib/db/failover/leadership-state";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import type { RegionId } from "@/lib/db/regions/region-id";

const VIRGINIA = "us-east-1";
const DUBLIN = "eu-west-1";
const SINGAPORE = "ap-southeast-1";

let planet: TestPlanet;
let leaders: Leaders;

function insertUser(region: string): Promise<unknown> {
  const id = randomUUID();
  return planet
    .region(region)
    .pool.query(`INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $2, 'x', 'x')`, [
      id,
      `${id}@example.com`,
    ]);
}

beforeAll(async () => {
  planet = await startTestPlanet({ failover: {}, latency: true });
  await planet.startWorkers();
  leaders = new Leaders(planet);
});

afterAll(async () => {
  await leaders.stop();
  await planet.stop();
});

afterEach(() => leaders.healAll());

describe("leadership", () => {
  it("is the primary's once its worker runs, and of no other region", async () => {
    expect(await leaders.leader()).toBe(VIRGINIA);
    await insertUser(VIRGINIA);
    await expect(insertUser(DUBLIN)).rejects.toMatchObject({ code: "MR001", detail: VIRGINIA });
  });

  it.each(["both", "to-target", "from-target"] as const)(
    "stays where it is while only its own worker cannot reach it (%s)",
    async (direction) => {
      const before = await leaders.settle();
      const at = await leaders.epoch();
      leaders.cut(before, before, direction);
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      expect(await leaders.leader()).toBe(before);
      expect(await leaders.epoch()).toBe(at);
    },
  );

  it("stays where it is while one other region cannot reach it", async () => {
    const before = await leaders.settle();
    const at = await leaders.epoch();
    const other = planet.ids.find((id) => id !== before)!;
    leaders.cut(other, before);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await leaders.now()).toEqual([before]);
    expect(await leaders.epoch()).toBe(at);
    leaders.healAll();
  });

  it("moves once, within 3 s, when nobody reaches the leader; the old one refuses", async () => {
    const before = await leaders.settle();
    const at = await leaders.promotions();
    const startedMs = performance.now();
    leaders.isolate(before);
    const after = await leaders.leader(before);
    const tookMs = performance.now() - startedMs;
    console.log(`a new leader after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(3_000);
    await insertUser(after);
    await expect(insertUser(before)).rejects.toMatchObject({
      code: expect.stringMatching(/^MR00[17]$/) as string,
    });
    leaders.healAll();
    await leaders.settle();
    expect(await leaders.promotions()).toBe(at + 1);
    await waitFor(
      async () => {
        const told = await readAttempts(planet.region(before).pool, 1);
        return told[0]?.status === "completed" && told[0].to === after;
      },
      { timeoutMs: 5_000 },
    );
  });

  it.each(["to-target", "from-target"] as const)(
    "moves once when the leader is cut off from everything in one way (%s)",
    async (direction) => {
      const before = await leaders.settle();
      const at = await leaders.promotions();
      leaders.isolate(before, direction);
      const after = await leaders.leader(before);
      await insertUser(after);
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(await leaders.now()).toEqual([after]);
      leaders.healAll();
      await leaders.settle();
      expect(await leaders.promotions()).toBe(at + 1);
    },
  );

  it("moves when the other regions' workers cannot reach the leader, though its own can", async () => {
    const before = await leaders.settle();
    const at = await leaders.promotions();
    for (const from of planet.ids) if (from !== before) leaders.cut(from, before);
    const after = await leaders.leader(before);
    await insertUser(after);
    leaders.healAll();
    await leaders.settle();
    expect(await leaders.promotions()).toBe(at + 1);
  });

  it.each(["to-target", "from-target"] as const)(
    "moves at most once under a cut of one way (%s) between the leader and the other workers",
    async (direction) => {
      const before = await leaders.settle();
      const at = await leaders.promotions();
      for (const from of planet.ids) if (from !== before) leaders.cut(from, before, direction);
      const after = await leaders.leader(before);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      expect(await leaders.now()).toEqual([after]);
      expect(await leaders.promotions()).toBe(at + 1);
      leaders.healAll();
    },
  );

  it("stays, or moves once, when the leader's worker cannot reach the other databases", async () => {
    const before = await leaders.settle();
    const at = await leaders.promotions();
    for (const to of planet.ids) if (to !== before) leaders.cut(before, to);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await insertUser(await leaders.leader());
    expect(await leaders.promotions()).toBeLessThanOrEqual(at + 1);
    leaders.healAll();
  });

  it("is nobody's while two regions cannot be reached, and comes back by itself", async () => {
    await leaders.settle();
    for (const from of planet.ids) for (const to of [DUBLIN, SINGAPORE]) leaders.cut(from, to);
    const startedMs = performance.now();
    await waitFor(async () => (await leaders.now()).length === 0, { timeoutMs: 5_000 });
    console.log(`read-only after ${Math.round(performance.now() - startedMs)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await leaders.now()).toEqual([]);
    const runtime = planet.runtime(VIRGINIA);
    const read = await new ReadYourWritesManager(() => runtime).ensureConsistency(
      "somebody",
      VIRGINIA,
      (db) => db.user.count(),
    );
    expect(read).toMatchObject({ regionId: VIRGINIA, receipt: { stale: false } });
    const write = await writeToLeader(
      VIRGINIA as RegionId,
      (db) => db.user.updateMany({ data: { name: "y" } }),
      { runtime: () => runtime, waitMs: 300 },
    );
    expect(write).toMatchObject({ kind: "refused" });
    // What the pages say, once this process has had no answer either.
    await waitFor(
      async () => {
        const said = await refreshLeadershipState(VIRGINIA as RegionId, runtime);
        return said.kind === "read-only" && said.reason === "no-majority";
      },
      { timeoutMs: 10_000, what: "the pages to say it" },
    );
    leaders.healAll();
    const healedMs = performance.now();
    await leaders.leader();
    console.log(`led again after ${Math.round(performance.now() - healedMs)} ms`);
    expect(performance.now() - healedMs).toBeLessThan(5_000);
  });

  it("is handed over on request, with what was written last", async () => {
    const before = await leaders.settle();
    const target = planet.ids.find((id) => id !== before)!;
    const id = randomUUID();
    await planet
      .region(before)
      .pool.query(
        `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $1, 'x', 'x')`,
        [id],
      );
    const asked = randomUUID();
    const { pool } = planet.region(target);
    await pool.query("SELECT mr.request_leadership($1, 'switchover', $2, 'a test', 'test')", [
      asked,
      before,
    ]);
    expect(await leaders.leader(before)).toBe(target);
    const { rows } = await pool.query(`SELECT id FROM "User" WHERE id = $1`, [id]);
    expect(rows).toHaveLength(1);
    await waitFor(async () => (await readAttempts(pool, 1))[0]?.status === "completed", {
      timeoutMs: 5_000,
    });
    const [attempt] = await readAttempts(pool, 1);
    console.log(
      JSON.stringify(attempt?.steps.map(({ name, startedMs, ms }) => [name, startedMs, ms])),
    );
  });

  it("is not handed over before writes under way have ended, and nobody else makes it so", async () => {
    const before = await leaders.settle();
    const target = planet.ids.find((id) => id !== before)!;
    const id = randomUUID();
    const writer = await planet.region(before).pool.connect();
    await writer.query("BEGIN");
    await writer.query(
      `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $1, 'x', 'x')`,
      [id],
    );
    const { pool } = planet.region(target);
    await pool.query("SELECT mr.request_leadership($1, 'switchover', $2, 'a test', 'test')", [
      randomUUID(),
      before,
    ]);
    // All know the new leader, and the old one still waits for this write: workers must leave it alone.
    await waitFor(
      async () => {
        const { rows } = await pool.query<{ leader: string }>("SELECT leader FROM mr.leadership");
        return rows[0]?.leader === target;
      },
      { timeoutMs: 10_000 },
    );
    // For as long as its last lease allows: no more is renewed once the others have promised.
    const { rows: leases } = await planet
      .region(before)
      .pool.query<{ left: number }>(
        `SELECT (extract(epoch FROM valid_until - clock_timestamp()) * 1000)::float8 AS left FROM mr.lease`,
      );
    const leftMs = leases[0]?.left ?? 0;
    expect(leftMs).toBeGreaterThan(300);
    await new Promise((resolve) => setTimeout(resolve, leftMs - 150));
    expect(await leaders.now()).toEqual([before]);
    await writer.query("COMMIT");
    writer.release();
    expect(await leaders.leader(before)).toBe(target);
    const { rows } = await pool.query(`SELECT id FROM "User" WHERE id = $1`, [id]);
    expect(rows).toHaveLength(1);
  });

  it("was never two regions' at once", () => {
    expect(leaders.dual).toEqual([]);
  });
});

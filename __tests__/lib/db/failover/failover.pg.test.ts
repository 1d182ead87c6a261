import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import type { CutDirection } from "@/scripts/local/link-proxy";
import { readAttempts } from "@/lib/db/failover/history";

const VIRGINIA = "us-east-1";
const DUBLIN = "eu-west-1";
const SINGAPORE = "ap-southeast-1";

let planet: TestPlanet;
/** Moments in which two databases held a lease at once, and during what. */
const dual: string[] = [];
let watching: Promise<void>;
const ended = new AbortController();

interface Leading {
  id: string;
  epoch: string;
  /** Within which its database looked: all three are on one machine, and share its clock. */
  fromMs: number;
  toMs: number;
}

async function leadings(): Promise<Leading[]> {
  const answers = await Promise.all(
    planet.regions.map(async ({ id, pool }) => {
      const { rows } = await pool.query<{ epoch: string | null; from: number; to: number }>(
        `SELECT date_part('epoch', now()) * 1000 AS from, mr.leading()::text AS epoch,
           date_part('epoch', clock_timestamp()) * 1000 AS to`,
      );
      const [row] = rows;
      return row?.epoch ? { id, epoch: row.epoch, fromMs: row.from, toMs: row.to } : null;
    }),
  );
  return answers.filter((leading) => leading !== null);
}

async function leaders(): Promise<string[]> {
  return (await leadings()).map(({ id }) => id);
}

async function leader(not?: string): Promise<string> {
  let found = "";
  await waitFor(
    async () => {
      [found = ""] = await leaders();
      return found !== "" && found !== not;
    },
    { timeoutMs: 15_000 },
  );
  return found;
}

/**
 * A region that is seen to lead after another one was seen to lead a later epoch leads beside it. Two looks
 * that overlap in time tell nothing of which was first.
 */
async function watch(): Promise<void> {
  let newest: { epoch: bigint; sinceMs: number } = { epoch: 0n, sinceMs: Infinity };
  while (!ended.signal.aborted) {
    const now = await leadings();
    for (const { epoch, toMs } of now) {
      if (BigInt(epoch) > newest.epoch) newest = { epoch: BigInt(epoch), sinceMs: toMs };
    }
    for (const { id, epoch, fromMs } of now) {
      if (BigInt(epoch) < newest.epoch && fromMs > newest.sinceMs) {
        dual.push(
          `${id} in ${epoch}, ${newest.epoch} has begun: ${expect.getState().currentTestName}`,
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function insertUser(region: string): Promise<unknown> {
  const id = randomUUID();
  return planet
    .region(region)
    .pool.query(`INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $2, 'x', 'x')`, [
      id,
      `${id}@example.com`,
    ]);
}

/** Cuts what `from` uses to reach `to`. */
function cut(from: string, to: string, direction: CutDirection = "both"): void {
  planet.link(from, to).postgres.cut({ direction });
}

function healAll(): void {
  for (const from of planet.ids) {
    for (const to of planet.ids) planet.link(from, to).postgres.heal();
  }
}

async function epoch(): Promise<bigint> {
  const found = await Promise.all(
    planet.regions.map(async ({ pool }) => {
      const { rows } = await pool.query<{ epoch: string }>("SELECT epoch::text FROM mr.leadership");
      return BigInt(rows[0]?.epoch ?? "0");
    }),
  );
  return found.reduce((a, b) => (a > b ? a : b));
}

/** Until all regions know of one leader, which holds its lease, and the cool-down is over. */
async function settle(): Promise<string> {
  await waitFor(
    async () => {
      const now = await leaders();
      const { rows } = await planet
        .region(now[0] ?? VIRGINIA)
        .pool.query<{ cool: boolean }>(
          "SELECT since < clock_timestamp() - interval '2.2 s' AS cool FROM mr.leadership",
        );
      return now.length === 1 && rows[0]?.cool === true;
    },
    { timeoutMs: 20_000 },
  );
  return leader();
}

beforeAll(async () => {
  planet = await startTestPlanet({ failover: {}, latency: true });
  await planet.startWorkers();
  watching = watch();
});

afterAll(async () => {
  ended.abort();
  await watching;
  await planet.stop();
});

afterEach(healAll);

describe("leadership", () => {
  it("is the primary's once its worker runs, and of no other region", async () => {
    expect(await leader()).toBe(VIRGINIA);
    await insertUser(VIRGINIA);
    await expect(insertUser(DUBLIN)).rejects.toMatchObject({ code: "MR001", detail: VIRGINIA });
  });

  it("stays where it is while only its own worker cannot reach it", async () => {
    const before = await settle();
    cut(before, before);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await leaders()).toEqual([before]);
    healAll();
  });

  it("stays where it is while one other region cannot reach it", async () => {
    const before = await settle();
    const at = await epoch();
    const other = planet.ids.find((id) => id !== before)!;
    cut(other, before);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await leaders()).toEqual([before]);
    expect(await epoch()).toBe(at);
    healAll();
  });

  it("moves once, within 3 s, when nobody reaches the leader; the old one refuses", async () => {
    const before = await settle();
    const at = await epoch();
    const startedMs = performance.now();
    for (const from of planet.ids) cut(from, before);
    for (const to of planet.ids) cut(before, to);
    const after = await leader(before);
    const tookMs = performance.now() - startedMs;
    console.log(`a new leader after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(3_000);
    await insertUser(after);
    await expect(insertUser(before)).rejects.toMatchObject({
      code: expect.stringMatching(/^MR00[17]$/) as string,
    });
    healAll();
    await settle();
    expect(await epoch()).toBe(at + 1n);
    await waitFor(
      async () => {
        const told = await readAttempts(planet.region(before).pool, 1);
        return told[0]?.status === "completed" && told[0].to === after;
      },
      { timeoutMs: 5_000 },
    );
  });

  it("moves when the other regions' workers cannot reach the leader, though its own can", async () => {
    const before = await settle();
    const at = await epoch();
    for (const from of planet.ids) if (from !== before) cut(from, before);
    const after = await leader(before);
    await insertUser(after);
    healAll();
    await settle();
    expect(await epoch()).toBe(at + 1n);
  });

  it.each(["to-target", "from-target"] as const)(
    "moves at most once under a cut of one way (%s) between the leader and the other workers",
    async (direction) => {
      const before = await settle();
      const at = await epoch();
      for (const from of planet.ids) if (from !== before) cut(from, before, direction);
      const after = await leader(before);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      expect(await leaders()).toEqual([after]);
      expect(await epoch()).toBe(at + 1n);
      healAll();
    },
  );

  it("stays, or moves once, when the leader's worker cannot reach the other databases", async () => {
    const before = await settle();
    const at = await epoch();
    for (const to of planet.ids) if (to !== before) cut(before, to);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await insertUser(await leader());
    expect(await epoch()).toBeLessThanOrEqual(at + 1n);
    healAll();
  });

  it("is nobody's while two regions cannot be reached, and comes back by itself", async () => {
    await settle();
    for (const from of planet.ids) for (const to of [DUBLIN, SINGAPORE]) cut(from, to);
    const startedMs = performance.now();
    await waitFor(async () => (await leaders()).length === 0, { timeoutMs: 5_000 });
    console.log(`read-only after ${Math.round(performance.now() - startedMs)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await leaders()).toEqual([]);
    healAll();
    const healedMs = performance.now();
    await leader();
    console.log(`led again after ${Math.round(performance.now() - healedMs)} ms`);
    expect(performance.now() - healedMs).toBeLessThan(5_000);
  });

  it("is handed over on request, with what was written last", async () => {
    const before = await settle();
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
    expect(await leader(before)).toBe(target);
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
    const before = await settle();
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
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await leaders()).toEqual([before]);
    await writer.query("COMMIT");
    writer.release();
    expect(await leader(before)).toBe(target);
    const { rows } = await pool.query(`SELECT id FROM "User" WHERE id = $1`, [id]);
    expect(rows).toHaveLength(1);
  });

  it("was never two regions' at once", () => {
    expect(dual).toEqual([]);
  });
});

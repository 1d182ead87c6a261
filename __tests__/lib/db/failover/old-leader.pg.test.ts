import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Leaders } from "@/__tests__/support/leaders";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";

const USER = "somebody";
let planet: TestPlanet;
let leaders: Leaders;

beforeAll(async () => {
  planet = await startTestPlanet({ failover: {} });
  await planet.startWorkers();
  leaders = new Leaders(planet);
});
afterAll(async () => {
  await leaders.stop();
  await planet.stop();
});

/** In region durability: acknowledged by the leader alone. */
async function insert(region: string, email: string = randomUUID()) {
  const id = randomUUID();
  const { rows } = await planet.region(region).pool.query<{ origin: string; position: string }>(
    `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $2, 'x', 'x')
     RETURNING origin, position::text`,
    [id, email],
  );
  return { id, origin: rows[0]!.origin, position: BigInt(rows[0]!.position) };
}

/** As the new leader lists it. */
async function outcomeOf(leader: string, id: string): Promise<string> {
  const listed = await waitFor(
    async () => {
      const { rows } = await planet
        .region(leader)
        .pool.query<{ outcome: string }>(
          "SELECT outcome FROM mr.stranded_write WHERE entity_id = $1",
          [id],
        );
      return rows[0];
    },
    { timeoutMs: 20_000, what: "the list of stranded writes" },
  );
  return listed.outcome;
}

it("a write that only the old leader has is said to be missing, and merged when that is back", async () => {
  const before = await leaders.settle();
  const vantage = planet.ids.find((id) => id !== before)!;
  const session = new ReadYourWritesManager(() => runtime);
  const runtime = planet.runtime(vantage);
  const read = (id: string) =>
    session.ensureConsistency(USER, vantage, (db) => db.user.findUnique({ where: { id } }), {
      vantage,
    });

  leaders.isolate(before);
  const written = await insert(before);
  const mark = { entityType: "User", entityId: written.id, ...written } as const;
  await session.recordWrite(USER, mark, { vantage });
  const after = await leaders.leader(before);

  // The session's own write is nowhere within reach: older data, and said to be older.
  const missing = await read(written.id);
  expect(missing.data).toBeNull();
  expect(missing.receipt).toMatchObject({ stale: true, reason: "stale-fallback" });
  expect(missing.receipt.elapsedMs).toBeLessThan(5_000);

  leaders.healAll();
  expect(await outcomeOf(after, written.id)).toBe("merged");
  const found = await read(written.id);
  expect(found.data?.id).toBe(written.id);
  expect(found.receipt.stale).toBe(false);
  for (const { pool } of planet.regions) {
    const { rows } = await pool.query(`SELECT FROM "User" WHERE id = $1`, [written.id]);
    expect(rows).toHaveLength(1);
  }
  expect(leaders.dual).toEqual([]);
});

it("an address that both leaders gave away is listed as parked, for somebody to decide", async () => {
  const before = await leaders.settle();
  const email = `${randomUUID()}@example.com`;
  leaders.isolate(before);
  const first = await insert(before, email);
  const after = await leaders.leader(before);
  const second = await insert(after, email);
  leaders.healAll();
  expect(await outcomeOf(after, first.id)).toBe("parked");
  // Nobody has it twice, and who signed up with the present leader keeps it there.
  for (const { id, pool } of planet.regions) {
    const { rows } = await pool.query<{ id: string }>(`SELECT id FROM "User" WHERE email = $1`, [
      email,
    ]);
    expect(rows).toHaveLength(1);
    if (id === after) expect(rows[0]?.id).toBe(second.id);
  }
  const { rows } = await planet
    .region(after)
    .pool.query("SELECT status FROM mr.dead_letter WHERE entity_id = $1", [first.id]);
  expect(rows).toEqual([{ status: "parked" }]);
});

import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { startSteadyWriter } from "@/__tests__/support/steady-writer";
import { waitFor } from "@/__tests__/support/wait-for";
import { checkRegions } from "@/lib/db/replication/repair/check";
import { joinRegion } from "@/scripts/region/join";

const AP = "ap-southeast-1";
const FOURTH = "us-west-2";
const ROWS = 20_000;

async function missingIn(
  region: { pool: Client | TestPlanet["regions"][0]["pool"] },
  ids: string[],
) {
  const { rows } = await region.pool.query<{ id: string }>(
    `SELECT id FROM unnest($1::text[]) id WHERE NOT EXISTS (SELECT FROM "Document" d WHERE d.id = id.id)`,
    [ids],
  );
  return rows.map(({ id }) => id);
}

describe("joining regions while writes go on", () => {
  let planet: TestPlanet;

  beforeAll(async () => {
    planet = await startTestPlanet({ spare: FOURTH });
    await planet.startWorkers();
    const { pool } = planet.region("us-east-1");
    await pool.query(
      `INSERT INTO "Document" (id, title, content, "ownerId")
       SELECT 'old-' || n, 'title', repeat('x', 200), 'owner' FROM generate_series(1, $1::int) n`,
      [ROWS],
    );
    await pool.query(`UPDATE "Document" SET "deletedAt" = now() WHERE id = 'old-5'`);
    await pool.query(
      `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ('u', 'u@example.com', 'U', 'x')`,
    );
    await waitForConvergence(planet.regions, 60_000);
  });
  afterAll(() => planet.stop());

  it("adds a fourth region under 200 writes a second without missing one", async () => {
    const writer = startSteadyWriter(
      planet.regions.map(({ pool }) => pool),
      { perSecond: 200, prefix: "during-add" },
    );
    await waitFor(() => writer.acknowledged.length > 100);
    const fourth = planet.region(FOURTH);
    const progress: string[] = [];
    const joined = await joinRegion({
      id: FOURTH,
      directUrl: fourth.directUrl,
      peers: planet.regions,
      peerPasswords: planet.peerPasswords,
      mode: "add",
      onProgress: ({ entity, rows }) => progress.push(`${entity} ${rows}`),
    });
    expect(joined).toMatchObject({ actor: FOURTH, unreachable: [] });
    expect(progress.length).toBeGreaterThan(3);
    const most = Math.max(...joined.copied.map(({ rows }) => rows));
    const first = joined.copied[0];
    console.log(`copied ${first?.rows} rows in ${first?.ms} ms`, joined.copied);
    expect(most).toBeGreaterThanOrEqual(ROWS);

    // Its worker starts later than the copy ends: nothing may be dropped meanwhile.
    const count = writer.acknowledged.length;
    await waitFor(() => writer.acknowledged.length > count + 200);
    await planet.pauseWorkers();
    planet.includeSpare();
    await planet.resumeWorkers();
    await waitFor(() => writer.acknowledged.length > count + 600);
    const rate = await writer.stop();
    console.log(`writes per second: ${rate.toFixed(0)}`);
    expect(writer.refused).toEqual([]);

    const all = [...planet.regions, fourth];
    await waitForConvergence(all, 30_000);
    expect(await missingIn(fourth, writer.acknowledged)).toEqual([]);
    expect(await checkRegions(all)).toMatchObject({ outcome: "equal" });
    await fourth.pool.query(
      `INSERT INTO "Document" (id, title, "ownerId") VALUES ('from-the-fourth', 't', 'u')`,
    );
    await waitForConvergence(all);
    expect(await missingIn(planet.region(AP), ["from-the-fourth"])).toEqual([]);
  });

  it("refuses to add what is known, or to take over another region's database", async () => {
    const base = { peers: planet.regions, directUrl: planet.region(FOURTH).directUrl };
    await expect(joinRegion({ ...base, id: FOURTH, mode: "add" })).rejects.toMatchObject({
      code: "join-refused",
    });
    await expect(joinRegion({ ...base, id: AP, mode: "rebuild" })).rejects.toThrow(
      /belongs to us-west-2/,
    );
    await expect(joinRegion({ ...base, id: FOURTH, mode: "rebuild" })).rejects.toThrow(/in use/);
  });

  it("rebuilds a region from nothing under 200 writes a second, as a new incarnation", async () => {
    const ap = planet.region(AP);
    await planet.pauseWorkers();
    const others = [...planet.regions, planet.region(FOURTH)].filter(({ id }) => id !== AP);
    await ap.pool.query(
      `INSERT INTO "Document" (id, title, "ownerId") VALUES ('reached-nobody', 't', 'u')`,
    );
    const database = new URL(ap.directUrl).pathname.slice(1);
    const adminUrl = new URL(ap.directUrl);
    adminUrl.pathname = "/postgres";
    const admin = new Client({ connectionString: adminUrl.href });
    await admin.connect();
    await admin.query(`DROP DATABASE "${database}" WITH (FORCE)`);
    for (const { id } of others) await planet.startWorker(id);
    const writer = startSteadyWriter(
      others.map(({ pool }) => pool),
      { perSecond: 200, prefix: "during-rebuild" },
    );
    await waitFor(() => writer.acknowledged.length > 300);
    await admin.query(`CREATE DATABASE "${database}"`);
    await admin.end();

    const joined = await joinRegion({
      id: AP,
      directUrl: ap.directUrl,
      peers: others,
      peerPasswords: planet.peerPasswords,
      mode: "rebuild",
    });
    expect(joined.actor).toBe(`${AP}#1`);
    await planet.startWorker(AP);
    const count = writer.acknowledged.length;
    await waitFor(() => writer.acknowledged.length > count + 400);
    await writer.stop();
    expect(writer.refused).toEqual([]);

    await ap.pool.query(
      `INSERT INTO "Document" (id, title, "ownerId") VALUES ('after-rebuild', 't', 'u')`,
    );
    const all = [...planet.regions, planet.region(FOURTH)];
    await waitForConvergence(all, 30_000);
    expect(await missingIn(ap, writer.acknowledged)).toEqual([]);
    const { rows } = await planet
      .region("us-east-1")
      .pool.query(`SELECT origin, clock FROM "Document" WHERE id = 'after-rebuild'`);
    expect(rows).toEqual([{ origin: `${AP}#1`, clock: { [`${AP}#1`]: 1 } }]);
    expect(await checkRegions(all)).toMatchObject({ outcome: "equal" });
  });

  it("drops events again once the joined regions have applied them", async () => {
    for (const id of ["us-east-1", AP, FOURTH]) {
      const { pool } = planet.region(id);
      await waitFor(
        async () => {
          await pool.query("SELECT mr.trim_outbox(100000)");
          const { rows } = await pool.query<{ left: number }>(
            `SELECT count(*)::int AS left FROM mr."outbox_Document"`,
          );
          return (rows[0]?.left ?? 1) === 0;
        },
        { what: `an empty outbox in ${id}`, intervalMs: 200 },
      );
    }
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untilReadable, waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { checkRegions } from "@/lib/db/replication/repair/check";
import { repairRegions } from "@/lib/db/replication/repair/mend";
import type { RepairRegion } from "@/lib/db/replication/repair/snapshot";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

describe("comparing and mending regions", () => {
  let planet: TestPlanet;
  let regions: RepairRegion[];

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER });
    regions = planet.regions;
    await planet.startWorkers();
    for (const { id, pool } of planet.regions) {
      await pool.query(
        `INSERT INTO "Document" (id, title, content, "ownerId")
         SELECT $1 || '-' || n, 'title', repeat('x', 200), 'owner' FROM generate_series(1, 3000) n`,
        [id],
      );
    }
    await waitForConvergence(planet.regions, 30_000);
  });
  afterAll(() => planet.stop());

  /** Changes rows behind the back of stamps and capture. */
  const tamper = (region: string, sql: string) =>
    planet.region(region).pool.query(`BEGIN; SET LOCAL ROLE mr_apply; ${sql}; COMMIT`);

  it("finds equal regions equal while writes go on", async () => {
    let writing = true;
    const writer = (async () => {
      for (let n = 0; writing; n++) {
        const { pool } = planet.region([US, EU, AP][n % 3] ?? US);
        await pool.query(`UPDATE "Document" SET title = $1 WHERE id = $2`, [
          `t${n}`,
          `us-east-1-${(n % 20) + 1}`,
        ]);
      }
    })();
    const report = await checkRegions(regions);
    writing = false;
    await writer;
    expect(report.differences).toEqual([]);
    expect(report.compared).toEqual([US, EU, AP]);
    expect(report.entities).toContainEqual({ entity: "Document", rows: 9_000 });
    const after = await checkRegions(regions);
    expect(after).toMatchObject({ outcome: "equal", differences: [], unsettled: [] });
  });

  it("names exactly the 50 rows whose bytes were flipped, and mends them", async () => {
    const flipped = Array.from({ length: 50 }, (_, n) => `us-east-1-${n * 53 + 1}`);
    await tamper(
      EU,
      `UPDATE "Document" SET content = 'y' || substr(content, 2)
       WHERE id IN (${flipped.map((id) => `'${id}'`).join(", ")})`,
    );
    const found = await checkRegions(regions);
    expect(found.outcome).toBe("different");
    expect(found.differences.map(({ id }) => id).sort()).toEqual([...flipped].sort());
    expect(new Set(found.differences.map(({ kind }) => kind))).toEqual(new Set(["content"]));

    const dry = await repairRegions(regions, { dryRun: true });
    expect(dry.mended).toHaveLength(50);
    const unchanged = await checkRegions(regions);
    expect(unchanged.differences).toEqual(found.differences);

    const events = await lastEvents(planet);
    const report = await repairRegions(regions);
    expect(report.mended.map(({ rule }) => rule)).toEqual(Array(50).fill("majority"));
    expect(report).toMatchObject({ failed: [], left: [] });
    expect((await checkRegions(regions)).outcome).toBe("equal");
    const { rows } = await planet
      .region(EU)
      .pool.query(`SELECT FROM "Document" WHERE content LIKE 'y%'`);
    expect(rows).toHaveLength(0);
    expect(await lastEvents(planet)).toEqual(events);
  });

  it("takes the origin's content where there is no majority", async () => {
    await tamper(EU, `UPDATE "Document" SET content = 'eu' WHERE id = 'us-east-1-7'`);
    await tamper(AP, `UPDATE "Document" SET content = 'ap' WHERE id = 'us-east-1-7'`);
    const { rows } = await planet
      .region(US)
      .pool.query<{ content: string; origin: string }>(
        `SELECT content, origin FROM "Document" WHERE id = 'us-east-1-7'`,
      );
    const report = await repairRegions(regions);
    expect(report.mended).toEqual([
      { entity: "Document", id: "us-east-1-7", rule: "origin", from: rows[0]?.origin },
    ]);
    expect((await checkRegions(regions)).outcome).toBe("equal");
  });

  it("takes a tombstone that some regions have deleted already for no difference", async () => {
    await planet
      .region(US)
      .pool.query(`UPDATE "Document" SET "deletedAt" = now() WHERE id = 'us-east-1-7'`);
    await waitForConvergence(planet.regions);
    await tamper(EU, `DELETE FROM "Document" WHERE id = 'us-east-1-7'`);
    expect(await checkRegions(regions)).toMatchObject({ outcome: "equal", differences: [] });
    const report = await repairRegions(regions);
    expect(report.mended).toEqual([]);
    for (const id of [US, AP]) await tamper(id, `DELETE FROM "Document" WHERE id = 'us-east-1-7'`);
  });

  it("brings a row that one region lost or never got", async () => {
    await planet.region(AP).pool.query(
      `ALTER TABLE "Document" DISABLE TRIGGER USER;
       DELETE FROM "Document" WHERE id IN ('us-east-1-11', 'eu-west-1-12');
       ALTER TABLE "Document" ENABLE TRIGGER USER`,
    );
    const found = await checkRegions(regions, { entity: "Document" });
    expect(found.differences.map(({ id, kind }) => [id, kind]).sort()).toEqual([
      ["eu-west-1-12", "missing"],
      ["us-east-1-11", "missing"],
    ]);
    expect(found.differences[0]?.regions[AP]).toBeNull();
    await repairRegions(regions);
    expect((await checkRegions(regions)).outcome).toBe("equal");
  });

  it("says which region it could not reach, and mends what a dead origin left unevenly", async () => {
    await planet.pauseWorkers();
    const before = await planet.region(US).pool.query<{ position: string }>(
      `INSERT INTO "Document" (id, title, "ownerId") VALUES ('last-words', 't', 'u')
         RETURNING position::text`,
    );
    // It reached one region only, and then its origin died.
    const worker = await planet.startWorker(EU);
    await waitFor(
      async () =>
        (await planet.region(EU).pool.query(`SELECT FROM "Document" WHERE id = 'last-words'`))
          .rowCount === 1,
    );
    await worker.stop();
    const dead = await import("@/lib/db/replication/store").then(({ connectStore }) =>
      connectStore("postgresql://postgres:x@127.0.0.1:1/nothing"),
    );
    const survivors = [{ id: US, pool: dead }, planet.region(EU), planet.region(AP)];
    const report = await checkRegions(survivors, { catchUpMs: 500 });
    expect(report.failures.map(({ region }) => region)).toEqual([US]);
    expect(report.differences.map(({ id }) => id)).toEqual(["last-words"]);

    const repaired = await repairRegions(survivors, { catchUpMs: 500 });
    expect(repaired.mended).toMatchObject([{ id: "last-words", rule: "joined" }]);
    expect(repaired.raised).toContainEqual(expect.objectContaining({ region: AP, actor: US }));
    const { rows } = await planet
      .region(AP)
      .pool.query<{ position: string }>(`SELECT position::text FROM mr.cursor WHERE actor = $1`, [
        US,
      ]);
    expect(BigInt(rows[0]?.position ?? 0)).toBeGreaterThanOrEqual(
      BigInt(before.rows[0]?.position ?? 0),
    );
    await dead.end();
    await planet.resumeWorkers();
    await waitForConvergence(planet.regions);
  });

  it("stalls a reader whose events were dropped, and lets it go on after a repair", async () => {
    await planet.pauseWorkers();
    const us = planet.region(US).pool;
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('dropped', 't', 'u')`);
    await untilReadable(us);
    // As if the reader had been taken off the list for a while.
    await us.query(`DELETE FROM mr.region WHERE id IN ('${EU}', '${AP}')`);
    await us.query("SELECT mr.trim_outbox(100000)");
    const trimmed = await us.query<{ position: string }>("SELECT position::text FROM mr.trimmed");
    expect(BigInt(trimmed.rows[0]?.position ?? 0)).toBeGreaterThan(0n);
    await us.query(`INSERT INTO mr.region (id) VALUES ('${EU}'), ('${AP}')`);
    await planet.resumeWorkers();
    for (const id of [EU, AP]) {
      await waitFor(
        async () => {
          const { rows } = await planet
            .region(id)
            .pool.query<{ reason: string; detail: string }>(
              "SELECT reason, detail FROM mr.stall WHERE actor = $1",
              [US],
            );
          return rows[0]?.reason === "trimmed" && rows[0].detail.includes("region -- repair");
        },
        { what: `the stall in ${id}` },
      );
    }
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('after', 't', 'u')`);
    expect((await checkRegions(regions, { catchUpMs: 500 })).outcome).toBe("incomparable");
    const report = await repairRegions(regions, { catchUpMs: 500 });
    expect(report.raised.map(({ region, actor }) => [region, actor]).sort()).toEqual([
      [AP, US],
      [EU, US],
    ]);
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('later', 't', 'u')`);
    await waitForConvergence(planet.regions);
    for (const id of [EU, AP]) {
      await waitFor(
        async () =>
          (await planet.region(id).pool.query("SELECT FROM mr.stall WHERE actor = $1", [US]))
            .rowCount === 0,
      );
      const { rowCount } = await planet
        .region(id)
        .pool.query(`SELECT FROM "Document" WHERE id IN ('dropped', 'after', 'later')`);
      expect(rowCount).toBe(3);
    }
  });
});

/** The position of each region's last event, trimmed or not. */
async function lastEvents(planet: TestPlanet): Promise<string[]> {
  const last: string[] = [];
  for (const { pool } of planet.regions) {
    const { rows } = await pool.query<{ last: string }>(
      "SELECT greatest(mr.last_event(), (SELECT position FROM mr.trimmed))::text AS last",
    );
    last.push(rows[0]?.last ?? "");
  }
  return last;
}

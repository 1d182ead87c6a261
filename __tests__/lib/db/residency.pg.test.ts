import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { checkRegions } from "@/lib/db/replication/repair/check";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

describe("residency", () => {
  let planet: TestPlanet;
  let us: pg.Pool;
  let eu: pg.Pool;
  let ap: pg.Pool;

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER });
    await planet.startWorkers();
    [us, eu, ap] = [planet.region(US).pool, planet.region(EU).pool, planet.region(AP).pool];
  });
  afterAll(() => planet.stop());

  const place = (pool: pg.Pool, id: string, regions: readonly string[]) =>
    pool.query(
      `INSERT INTO "Placement" (id, entity, "entityId", "ownerId", regions, "updatedBy")
       VALUES ('Document/' || $1, 'Document', $1, 'u', $2, 'u')
       ON CONFLICT (id) DO UPDATE SET regions = excluded.regions`,
      [id, regions],
    );
  const insert = (pool: pg.Pool, id: string, title = id) =>
    pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, $2, 'u')`, [id, title]);
  const regionsOf = async (id: string) => {
    const has = await Promise.all(
      planet.regions.map(
        async ({ pool }) =>
          (await pool.query(`SELECT FROM "Document" WHERE id = $1`, [id])).rowCount === 1,
      ),
    );
    return planet.ids.filter((_, index) => has[index]);
  };
  /** Everything that is written now has reached whoever may have it. */
  const settle = async () => {
    const marks = planet.ids.map((id) => `mark-${id}-${performance.now()}`);
    for (const [index, { pool }] of planet.regions.entries()) await insert(pool, marks[index]!);
    for (const { pool } of planet.regions) {
      await waitFor(
        async () =>
          (await pool.query(`SELECT FROM "Document" WHERE id = ANY ($1)`, [marks])).rowCount ===
          marks.length,
        { what: "marks to arrive" },
      );
    }
  };
  const until = (id: string, regions: readonly string[]) =>
    waitFor(async () => (await regionsOf(id)).join() === regions.join(), {
      what: `${id} to be in ${regions.join()} and nowhere else`,
    });

  it("tells a pinned row to the regions that may have it", async () => {
    await place(eu, "pinned", [EU, AP]);
    await insert(eu, "pinned", "secret");
    await settle();
    expect(await regionsOf("pinned")).toEqual([EU, AP]);
    await eu.query(`UPDATE "Document" SET title = 'changed' WHERE id = 'pinned'`);
    await settle();
    expect(await regionsOf("pinned")).toEqual([EU, AP]);
    const { rows } = await ap.query(`SELECT title FROM "Document" WHERE id = 'pinned'`);
    expect(rows).toEqual([{ title: "changed" }]);
  });

  it("does not let it be written where it must not be", async () => {
    await waitFor(
      async () => (await us.query(`SELECT FROM "Placement" WHERE "entityId" = 'pinned'`)).rowCount,
      { what: "the placement" },
    );
    await expect(insert(us, "pinned", "secret")).rejects.toMatchObject({
      code: "MR014",
      message: "Document/pinned must not be in us-east-1",
    });
  });

  it("takes the rows away from where they must no longer be", async () => {
    await insert(us, "moves");
    await us.query(
      `INSERT INTO "DocumentVersion" (id, "documentId", title, "authorId") VALUES ('v', 'moves', 't', 'u')`,
    );
    await settle();
    await place(eu, "moves", [EU]);
    await until("moves", [EU]);
    for (const pool of [us, ap]) {
      for (const table of ['public."DocumentVersion"', 'mr."outbox_DocumentVersion"']) {
        expect((await pool.query(`SELECT FROM ${table} WHERE id = 'v'`)).rowCount).toBe(0);
      }
    }
    expect((await eu.query(`SELECT FROM "DocumentVersion" WHERE id = 'v'`)).rowCount).toBe(1);
  });

  it("moves them to another region, and back to all", async () => {
    await place(eu, "moves", [US]);
    await until("moves", [US]);
    expect((await us.query(`SELECT FROM "DocumentVersion" WHERE id = 'v'`)).rowCount).toBe(1);
    await us.query(`UPDATE "Document" SET title = 'in us' WHERE id = 'moves'`);
    await place(us, "moves", []);
    await until("moves", [US, EU, AP]);
    const { rows } = await ap.query(`SELECT title FROM "Document" WHERE id = 'moves'`);
    expect(rows).toEqual([{ title: "in us" }]);
  });

  it("lets nobody collect a tombstone of what is still to be taken away somewhere", async () => {
    await insert(us, "ends");
    await settle();
    const pending = async () => {
      const { rows } = await ap.query<{ pending: string[] }>(
        `SELECT pending FROM mr.stability('{}')`,
      );
      return rows[0]?.pending ?? [];
    };
    expect(await pending()).not.toContain("Document/ends");
    await planet.pauseWorkers();
    await place(ap, "ends", [EU]);
    expect(await pending()).toContain("Document/ends");
    await planet.resumeWorkers();
    await until("ends", [EU]);
    expect(await pending()).not.toContain("Document/ends");
  });

  it("moves rows between two regions while a third one does not answer", async () => {
    await place(us, "urgent", [US]);
    await insert(us, "urgent");
    await settle();
    const links = [US, EU].flatMap((other) => [planet.link(AP, other), planet.link(other, AP)]);
    for (const { postgres, redis } of links) {
      await postgres.cut();
      await redis?.cut();
    }
    // More than one round of what cannot be done now, before it in the order of ids.
    for (let n = 0; n < 25; n++) await place(eu, `a-${n}`, [EU]);
    await place(us, "urgent", [EU]);
    await waitFor(async () => (await regionsOf("urgent")).join() === EU, {
      what: "the move",
      timeoutMs: 30_000,
    });
    for (const { postgres, redis } of links) {
      await postgres.heal();
      await redis?.heal();
    }
    await settle();
  }, 90_000);

  it("compares regions by what all of them may have", async () => {
    await settle();
    const report = await checkRegions(planet.regions);
    expect(report.differences).toEqual([]);
    expect(report.outcome).toBe("equal");
  });
});

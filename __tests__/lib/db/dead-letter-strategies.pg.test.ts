import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";

const US = "us-east-1";
const EU = "eu-west-1";

const POLICY = {
  topology: "multi-leader",
  strategy: "merge",
  deletion: "update-wins",
  fields: {
    first: { strategy: "first-write-wins" },
    manual: { strategy: "manual" },
    tags: { strategy: "or-set" },
    count: { strategy: "pn-counter" },
    top: { strategy: "max" },
  },
};

/** Every strategy's register, in rows that one region cannot take. */
describe("dead letters of every strategy", () => {
  let planet: TestPlanet;
  let us: pg.Pool;
  let eu: pg.Pool;

  beforeAll(async () => {
    planet = await startTestPlanet();
    [us, eu] = [planet.region(US).pool, planet.region(EU).pool];
    for (const { pool } of planet.regions) {
      await pool.query(`CREATE TABLE "Thing" (id text PRIMARY KEY, last text, first text, manual text,
        tags jsonb NOT NULL DEFAULT '[]', count integer NOT NULL DEFAULT 0, top integer, bad boolean NOT NULL DEFAULT false,
        "deletedAt" timestamptz(3), clock jsonb NOT NULL DEFAULT '{}', hlc bigint NOT NULL DEFAULT 0,
        origin text NOT NULL DEFAULT '', position bigint NOT NULL DEFAULT 0, merge jsonb NOT NULL DEFAULT '{}')`);
      await pool.query("SELECT mr.declare('Thing', $1)", [POLICY]);
    }
    await planet.startWorkers();
  });
  afterAll(() => planet.stop());

  const things = async (pool: pg.Pool, id: string) =>
    (
      await pool.query<Record<string, unknown>>(
        `SELECT last, first, manual, tags, count, top, bad, "deletedAt" FROM "Thing" WHERE id = $1`,
        [id],
      )
    ).rows[0];
  /** A row in all regions, then a version of it that eu-west-1 refuses. Returns the newest letter. */
  const park = async (id: string) => {
    await eu.query(`ALTER TABLE "Thing" DROP CONSTRAINT IF EXISTS not_bad`);
    await us.query(
      `INSERT INTO "Thing" (id, last, first, manual, tags, count, top) VALUES ($1, 'a', 'a', 'a', '["a"]', 5, 5)`,
      [id],
    );
    await waitForConvergence(planet.regions);
    await eu.query(`ALTER TABLE "Thing" ADD CONSTRAINT not_bad CHECK (NOT bad) NOT VALID`);
    await us.query(
      `UPDATE "Thing" SET last = 'b', first = 'b', manual = 'b', tags = '["b"]', count = 7, top = 9, bad = true WHERE id = $1`,
      [id],
    );
    return waitFor(
      async () =>
        (
          await eu.query<{ id: string }>(
            `SELECT id::text FROM mr.dead_letter WHERE open AND entity_id = $1`,
            [id],
          )
        ).rows[0]?.id,
      { what: "the dead letter" },
    );
  };
  /** Equal rows that go on merging alike: each region's next write reaches the others. */
  const expectEqual = async (id: string) => {
    await waitForConvergence(planet.regions);
    for (const { id: region, pool } of planet.regions) {
      await pool.query(
        `UPDATE "Thing" SET last = $2, first = $2, count = count + 1 WHERE id = $1`,
        [id, region],
      );
    }
    await waitForConvergence(planet.regions);
  };

  it("edits each register", async () => {
    const last = await park("edited");
    const values = { last: "c", first: "c", manual: "c", tags: ["c"], count: 8, bad: false };
    const { rows } = await eu.query<{ outcome: unknown }>(
      `SELECT mr.edit_dead_letters('Thing', 'edited', $1, $2, 'admin') AS outcome`,
      [last, values],
    );
    expect(rows[0]?.outcome).toMatchObject({ kind: "edited" });
    await waitForConvergence(planet.regions);
    expect(await things(us, "edited")).toEqual({ ...values, top: 9, deletedAt: null });
    await expectEqual("edited");
  });

  it("refuses a maximum that is not one", async () => {
    const last = await park("lower");
    const { rows } = await eu.query<{ outcome: unknown }>(
      `SELECT mr.edit_dead_letters('Thing', 'lower', $1, '{"top": 1, "bad": false}', 'admin') AS outcome`,
      [last],
    );
    expect(rows[0]?.outcome).toEqual({ kind: "refused", columns: ["top"] });
    await eu.query(`ALTER TABLE "Thing" DROP CONSTRAINT not_bad`);
    await eu.query(`SELECT mr.retry_dead_letters('Thing', 'lower')`);
    await waitForConvergence(planet.regions);
  });

  it("discards each register but what only grows", async () => {
    const last = await park("discarded");
    const { rows } = await eu.query<{ outcome: unknown }>(
      `SELECT mr.discard_dead_letters('Thing', 'discarded', $1, 'admin') AS outcome`,
      [last],
    );
    expect(rows[0]?.outcome).toEqual({ kind: "discarded", events: 1, kept: true });
    await waitForConvergence(planet.regions);
    expect(await things(us, "discarded")).toEqual({
      last: "a",
      first: "a",
      manual: "a",
      tags: ["a"],
      count: 5,
      top: 9,
      bad: false,
      deletedAt: null,
    });
    await expectEqual("discarded");
  });

  it("discards a deletion, and an undeletion", async () => {
    for (const [id, before, after] of [
      ["deletion", "NULL", "now()"],
      ["undeletion", "now()", "NULL"],
    ] as const) {
      await eu.query(`ALTER TABLE "Thing" DROP CONSTRAINT IF EXISTS not_bad`);
      await us.query(`INSERT INTO "Thing" (id, "deletedAt") VALUES ($1, ${before})`, [id]);
      await waitForConvergence(planet.regions);
      const kept = await things(eu, id);
      await eu.query(`ALTER TABLE "Thing" ADD CONSTRAINT not_bad CHECK (NOT bad) NOT VALID`);
      await us.query(`UPDATE "Thing" SET bad = true, "deletedAt" = ${after} WHERE id = $1`, [id]);
      const last = await waitFor(
        async () =>
          (
            await eu.query<{ id: string }>(
              `SELECT id::text FROM mr.dead_letter WHERE open AND entity_id = $1`,
              [id],
            )
          ).rows[0]?.id,
        { what: "the dead letter" },
      );
      await eu.query(`SELECT mr.discard_dead_letters('Thing', $1, $2, 'admin')`, [id, last]);
      await waitForConvergence(planet.regions);
      expect((await things(us, id))?.deletedAt === null).toBe(kept?.deletedAt === null);
    }
  });
});

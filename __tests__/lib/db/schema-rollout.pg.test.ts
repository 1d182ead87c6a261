import { readFile } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { projectRoot } from "@/scripts/local/paths";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

/** A block of docs/SCHEMA-CHANGES.md, by the word after its language. */
async function example(name: string): Promise<string> {
  const text = await readFile(path.join(projectRoot, "docs/SCHEMA-CHANGES.md"), "utf8");
  const block = new RegExp("^```sql " + name + "\\n([^]*?)^```$", "m").exec(text)?.[1];
  if (!block) throw new Error(`docs/SCHEMA-CHANGES.md has no example "${name}"`);
  return block;
}

/** Writes in every region, all the time, until stopped. */
class Writers {
  readonly written: string[] = [];
  private stopped = false;
  private readonly done: Promise<void>[];

  constructor(planet: TestPlanet, step: string) {
    this.done = planet.regions.map(({ id, pool }) => this.write(step, id, pool));
  }

  private async write(step: string, region: string, pool: pg.Pool): Promise<void> {
    for (let n = 0; !this.stopped; n++) {
      const id = `${step}-${region}-${n}`;
      await pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 't', 'u')`, [id]);
      // A row of another region, where it has arrived: both ends of a gap are written.
      await pool.query(`UPDATE "Document" SET title = $2 WHERE id = $1`, [
        `${step}-${US}-${n}`,
        region,
      ]);
      this.written.push(id);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.done);
  }
}

describe("roll-out of a schema", () => {
  let planet: TestPlanet;
  let us: pg.Pool;
  let ap: pg.Pool;

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER });
    await planet.startWorkers();
    [us, ap] = [planet.region(US).pool, planet.region(AP).pool];
  });
  afterAll(() => planet.stop());

  const stalls = async (region: string) =>
    (
      await planet
        .region(region)
        .pool.query<{ stall: string }>(
          `SELECT actor || ' ' || reason AS stall FROM mr.stall ORDER BY actor`,
        )
    ).rows.map(({ stall }) => stall);
  const has = async (pool: pg.Pool, id: string) =>
    (await pool.query(`SELECT FROM "Document" WHERE id = $1`, [id])).rowCount === 1;

  /** Runs a step in two regions, shows that the third stands still, and catches it up. */
  const rollOut = async (step: string) => {
    const sql = await example(step);
    const writers = new Writers(planet, step);
    try {
      await waitFor(() => writers.written.length > 30, { what: "some writes" });
      // One transaction, as the migration runner applies a file.
      await Promise.all([US, EU].map((id) => planet.region(id).pool.query(sql)));
      // US and EU stall on each other as well, for as long as only one of them has the change.
      await waitFor(
        async () =>
          isDeepStrictEqual(await stalls(AP), [`${EU} schema`, `${US} schema`]) &&
          isDeepStrictEqual(await stalls(US), [`${AP} schema`]) &&
          isDeepStrictEqual(await stalls(EU), [`${AP} schema`]),
        { what: `the streams of ${AP} alone to stand still after "${step}"` },
      );

      const marks = [US, EU, AP].map((id) => ({ id, pool: planet.region(id).pool }));
      for (const { id, pool } of marks) {
        await pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 't', 'u')`, [
          `${step}-in-${id}`,
        ]);
      }
      // Regions of the same version go on.
      await waitFor(() => has(planet.region(EU).pool, `${step}-in-${US}`), { what: "US in EU" });
      await waitFor(() => has(us, `${step}-in-${EU}`), { what: "EU in US" });
      const seen = writers.written.length;
      await waitFor(() => writers.written.length > seen + 60, { what: "more writes" });
      expect(await has(ap, `${step}-in-${US}`)).toBe(false);
      expect(await has(us, `${step}-in-${AP}`)).toBe(false);

      await ap.query(sql);
      await waitFor(
        async () => (await has(ap, `${step}-in-${US}`)) && has(us, `${step}-in-${AP}`),
        {
          what: "the streams to go on by themselves",
        },
      );
    } finally {
      await writers.stop();
    }
    await waitForConvergence(planet.regions, 20_000);
    for (const id of planet.ids) {
      const { pool } = planet.region(id);
      const { rows } = await pool.query<{ id: string }>(
        `SELECT w.id FROM unnest($1::text[]) AS w (id) WHERE NOT EXISTS (
           SELECT FROM "Document" d WHERE d.id = w.id)`,
        [writers.written],
      );
      expect(rows).toEqual([]);
      expect((await pool.query(`SELECT FROM mr.dead_letter`)).rowCount).toBe(0);
      expect(await waitFor(async () => (await stalls(id)).length === 0, { what: "no stall" })).toBe(
        true,
      );
    }
    expect(writers.written.length).toBeGreaterThan(100);
  };

  it("expands with one region behind: its streams stall, go on, and nothing is missing", async () => {
    await rollOut("expand");
  }, 90_000);

  it("moves values in one region, and all have them", async () => {
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") SELECT 'm' || n, 'moved ' || n, 'u'
      FROM generate_series(1, 500) n`);
    const sql = await example("move");
    let moved = 1;
    while (moved > 0) moved = (await us.query(sql)).rowCount ?? 0;
    await waitForConvergence(planet.regions, 20_000);
    const { rows } = await ap.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM "Document" WHERE subtitle = title AND id LIKE 'm%'`,
    );
    expect(rows[0]?.n).toBe(500);
  });

  it("contracts with one region behind", async () => {
    await rollOut("contract");
    await expect(ap.query(`SELECT subtitle FROM "Document"`)).rejects.toMatchObject({
      code: "42703",
    });
  }, 90_000);
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pool } from "pg";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import {
  createStrategyTables,
  STRATEGY_TABLES,
  type StrategyTable,
} from "@/__tests__/support/strategy-tables";

const PARTITION_MS = 30_000;
const ROWS = 20;
const EDITS = 200;
const SIDES = ["us-east-1", "eu-west-1"] as const;
const ROW_TABLES = (Object.keys(STRATEGY_TABLES) as StrategyTable[]).filter((t) => t !== "Fields");

interface Version {
  value: Record<string, unknown> | string | number | null;
  won: boolean;
}

/*
 * One partition for all strategies: during thirty seconds two regions write the same twenty rows of
 * each entity, 200 times on each side, and hear nothing of each other.
 */
describe("a partition of two regions", () => {
  let planet: TestPlanet;
  const pool = (id: string): Pool => planet.region(id).pool;
  /** What each side showed at the end of the partition, by table and id. */
  const before = new Map<string, Map<string, Record<string, unknown>>>();
  const added = { counter: 0, sold: 0, tags: new Map<string, Set<string>>() };
  let convergedMs = 0;

  beforeAll(async () => {
    planet = await startTestPlanet();
    await createStrategyTables(planet.regions.map((region) => region.pool));
    await planet.startWorkers();
    for (let row = 0; row < ROWS; row++) {
      for (const table of ROW_TABLES) {
        await pool("us-east-1").query(
          `INSERT INTO "${table}" (id, a, b) VALUES ($1, 'first', 'first')`,
          [`r${row}`],
        );
      }
      await pool("us-east-1").query(
        `INSERT INTO "Fields" (id, lww, fww, high, low, stock, manual)
         VALUES ($1, 'first', 'first', 0, 0, 100, 'first')`,
        [`r${row}`],
      );
      await pool("us-east-1").query(
        `UPDATE "Fields" SET merge = '{"$transfer": {"field": "stock", "to": "eu-west-1", "amount": 50}}' WHERE id = $1`,
        [`r${row}`],
      );
    }
    await waitForConvergence(planet.regions);

    const links = [
      planet.link("us-east-1", "eu-west-1"),
      planet.link("eu-west-1", "us-east-1"),
    ].flatMap(({ postgres, redis }) => [postgres, ...(redis ? [redis] : [])]);
    await Promise.all(links.map((link) => link.cut()));
    const startedMs = performance.now();
    await Promise.all(SIDES.map((side) => writeAll(side)));
    for (const side of SIDES) before.set(side, await readRows(side));
    const left = PARTITION_MS - (performance.now() - startedMs);
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
    await Promise.all(links.map((link) => link.heal()));
    const healedMs = performance.now();
    await waitForConvergence(planet.regions, 10_000);
    convergedMs = performance.now() - healedMs;
    process.stdout.write(`all regions equal ${Math.round(convergedMs)} ms after healing\n`);
  }, 120_000);

  afterAll(() => planet.stop());

  /** Edits are spread over the partition; each side writes every row in turn. */
  async function writeAll(side: (typeof SIDES)[number]): Promise<void> {
    const us = side === "us-east-1";
    for (let edit = 0; edit < EDITS; edit++) {
      const id = `r${edit % ROWS}`;
      for (const table of ROW_TABLES) {
        await pool(side).query(
          `UPDATE "${table}" SET ${edit % 3 === 0 ? "b" : "a"} = $2 WHERE id = $1`,
          [id, `${side} ${edit}`],
        );
      }
      await pool(side).query(
        `UPDATE "Fields" SET lww = $2, fww = $2, high = $3, low = $4, counter = counter + $5,
           stock = stock - 1, tags = array_append(tags, $2), manual = $2 WHERE id = $1`,
        [id, `${side} ${edit}`, us ? edit : edit + 1, us ? -edit : -edit - 1, us ? 3 : -1],
      );
      added.counter += us ? 3 : -1;
      added.sold += 1;
      added.tags.set(id, (added.tags.get(id) ?? new Set()).add(`${side} ${edit}`));
      await new Promise((resolve) => setTimeout(resolve, PARTITION_MS / EDITS / 2));
    }
  }

  async function readRows(side: string): Promise<Map<string, Record<string, unknown>>> {
    const found = new Map<string, Record<string, unknown>>();
    for (const table of Object.keys(STRATEGY_TABLES)) {
      const { rows } = await pool(side).query<Record<string, unknown>>(`SELECT * FROM "${table}"`);
      for (const row of rows) found.set(`${table} ${String(row.id)}`, row);
    }
    return found;
  }

  async function conflictsOf(table: string, field: string): Promise<Map<string, Version[]>> {
    const { rows } = await pool("ap-southeast-1").query<{ id: string; versions: Version[] }>(
      `SELECT "entityId" AS id, "versions" FROM "Conflict" WHERE "entityType" = $1 AND "field" = $2`,
      [table, field],
    );
    const found = new Map<string, Version[]>();
    for (const { id, versions } of rows) found.set(id, [...(found.get(id) ?? []), ...versions]);
    return found;
  }

  it("ends with equal rows in all regions within 10 s", () => {
    expect(convergedMs).toBeGreaterThan(0);
    expect(convergedMs).toBeLessThan(10_000);
  });

  it.each(ROW_TABLES)("keeps one side's row of %s and records the other's", async (table) => {
    const after = await readRows("ap-southeast-1");
    const conflicts = await conflictsOf(table, "*");
    for (let row = 0; row < ROWS; row++) {
      const key = `${table} r${row}`;
      const shown = { a: after.get(key)?.a, b: after.get(key)?.b };
      const sides = SIDES.map((side) => {
        const { a, b } = before.get(side)?.get(key) ?? {};
        return { a, b };
      });
      expect(sides).toContainEqual(shown);
      const recorded = conflicts.get(`r${row}`) ?? [];
      for (const side of sides) {
        expect(recorded.map(({ value }) => value)).toContainEqual(expect.objectContaining(side));
      }
      const winners = recorded.filter(({ won }) => won).map(({ value }) => value);
      expect(winners).toContainEqual(expect.objectContaining(shown));
    }
  });

  it("lets the side that wrote first win where that is declared", async () => {
    const after = await readRows("ap-southeast-1");
    const firsts = new Map<string, string>();
    for (let row = 0; row < ROWS; row++) {
      const lineages = SIDES.map((side) => {
        const merge = before.get(side)?.get(`Fww r${row}`)?.merge as Record<
          string,
          { p: string[] }
        >;
        return { side, first: merge["*"]?.p[1] ?? "" };
      }).sort((x, y) => (x.first < y.first ? -1 : 1));
      firsts.set(`r${row}`, lineages[0]?.side ?? "");
    }
    for (const [id, side] of firsts) {
      expect(after.get(`Fww ${id}`)?.a).toBe(before.get(side)?.get(`Fww ${id}`)?.a);
    }
  });

  it("keeps both sides of a manual row as siblings, for a person", async () => {
    const { rows } = await pool("ap-southeast-1").query<{ id: string; siblings: { v: unknown }[] }>(
      `SELECT id, mr.siblings(merge, '*') AS siblings FROM "Manual" ORDER BY id`,
    );
    for (const { id, siblings } of rows) {
      const sides = SIDES.map((side) => {
        const { a, b } = before.get(side)?.get(`Manual ${id}`) ?? {};
        return { a, b };
      });
      expect(siblings.map(({ v }) => v)).toEqual(expect.arrayContaining(sides));
      expect(siblings).toHaveLength(2);
    }
    const { rows: open } = await pool("us-east-1").query<{ n: number }>(
      `SELECT count(*)::int AS n FROM "Conflict" WHERE "entityType" = 'Manual' AND "outcome" = 'open'`,
    );
    expect(open[0]?.n).toBeGreaterThanOrEqual(ROWS);
  });

  it("counts exactly, sells no right twice, and keeps every tag", async () => {
    const { rows } = await pool("ap-southeast-1").query<{
      id: string;
      counter: number;
      stock: number;
      tags: string[];
      high: number;
      low: number;
    }>(`SELECT * FROM "Fields"`);
    expect(rows.reduce((sum, { counter }) => sum + counter, 0)).toBe(added.counter);
    expect(rows.reduce((sum, { stock }) => sum + stock, 0)).toBe(ROWS * 100 - added.sold);
    for (const { id, tags, high, low } of rows) {
      expect(new Set(tags)).toEqual(added.tags.get(id));
      const sides = SIDES.map((side) => before.get(side)?.get(`Fields ${id}`));
      expect(high).toBe(Math.max(...sides.map((side) => side?.high as number)));
      expect(low).toBe(Math.min(...sides.map((side) => side?.low as number)));
    }
  });

  it.each(["lww", "fww", "high", "low", "manual"])(
    "records the value of %s that lost",
    async (field) => {
      const conflicts = await conflictsOf("Fields", field);
      for (let row = 0; row < ROWS; row++) {
        const recorded = (conflicts.get(`r${row}`) ?? []).map(({ value }) => value);
        for (const side of SIDES) {
          expect(recorded).toContainEqual(before.get(side)?.get(`Fields r${row}`)?.[field]);
        }
      }
    },
  );
});

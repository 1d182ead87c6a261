import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type pg from "pg";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { createStrategyTables } from "@/__tests__/support/strategy-tables";
import { systemSleep } from "@/lib/clock";
import { Materialiser } from "@/lib/documents/text/materialiser";
import { seedUpdate } from "@/lib/documents/text/seed-update";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

const META = `"deletedAt" timestamptz(3), clock jsonb NOT NULL DEFAULT '{}', hlc bigint NOT NULL DEFAULT 0,
  origin text NOT NULL DEFAULT '', position bigint NOT NULL DEFAULT 0, merge jsonb NOT NULL DEFAULT '{}'`;

const MEASURES = {
  columns: "n double precision, f double precision, i interval, m double precision",
  policy: { strategy: "merge", fields: { m: { strategy: "max" }, i: { strategy: "manual" } } },
};

interface Write {
  region: string;
  id: string;
  field: "lww" | "fww" | "manual";
  value: string;
  clock: Record<string, number>;
  /** What it was made on top of, where that is not all that was there. */
  base: Record<string, number> | null;
}

interface Held {
  rows: Map<string, Record<string, unknown>>;
  /** `id value` of everything that a record names. */
  recorded: Set<string>;
}

/** Writes whose value nobody wrote over knowingly, and that is neither there nor recorded. */
function lost(writes: readonly Write[], { rows, recorded }: Held): Write[] {
  return writes.filter((write) => {
    const count = write.clock[write.region] ?? 0;
    const known = writes.some(
      (other) =>
        other !== write &&
        other.id === write.id &&
        other.field === write.field &&
        ((other.base ?? other.clock)[write.region] ?? 0) >= count &&
        !(other.region === write.region && other.clock[write.region] === count),
    );
    const row = rows.get(write.id);
    const there =
      row?.[write.field] === write.value ||
      JSON.stringify(row?.merge ?? {}).includes(`"${write.value}"`);
    return !known && !there && !recorded.has(`${write.id} ${write.value}`);
  });
}

describe("attacks on merging", () => {
  let planet: TestPlanet;
  const pool = (id: string): pg.Pool => planet.region(id).pool;

  beforeAll(async () => {
    planet = await startTestPlanet();
    const pools = planet.regions.map((region) => region.pool);
    await createStrategyTables(pools);
    for (const each of pools) {
      await each.query(
        `CREATE TABLE "Measures" (id text PRIMARY KEY, ${MEASURES.columns}, ${META})`,
      );
      await each.query("SELECT mr.declare('Measures', $1::jsonb)::text", [
        JSON.stringify(MEASURES.policy),
      ]);
    }
    await planet.startWorkers();
  }, 60_000);
  afterAll(() => planet.stop());

  const insert = async (id: string, columns = "", values = "") => {
    await pool(US).query(`INSERT INTO "Fields" (id${columns}) VALUES ($1${values})`, [id]);
    await waitForConvergence(planet.regions);
  };
  /** Writes on all sides that have not seen each other. */
  const concurrently = async (writes: () => Promise<unknown>) => {
    await planet.pauseWorkers();
    await writes();
    await planet.resumeWorkers();
    await waitForConvergence(planet.regions);
  };
  const recordsOf = async (id: string, region = AP) => {
    const { rows } = await pool(region).query<{ field: string; values: unknown[] }>(
      `SELECT "field", jsonb_path_query_array("versions", '$[*].value') AS "values"
       FROM "Conflict" WHERE "entityId" = $1 ORDER BY "field", "id"`,
      [id],
    );
    return rows;
  };

  it("loses nothing while three regions write the same rows through races and stale bases", async () => {
    const ids = ["race-0", "race-1"];
    for (const id of ids) await insert(id);
    const deadlocks = async () => {
      const counts = planet.regions.map(async ({ pool: each }) => {
        const { rows } = await each.query<{ n: number }>(
          `SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()`,
        );
        return rows[0]?.n ?? 0;
      });
      return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
    };
    const deadlocksBefore = await deadlocks();
    const writes: Write[] = [];
    const added = new Map<string, { sum: number; tags: Set<string> }>(
      ids.map((id) => [id, { sum: 0, tags: new Set<string>() }]),
    );
    const untilMs = performance.now() + 5_000;
    let turn = 0;
    const write = async (region: string, writer: number) => {
      const own: Write[] = [];
      while (performance.now() < untilMs) {
        const step = turn++;
        const id = ids[step % ids.length] as string;
        const value = `${region}-${writer}-${step}`;
        if (step % 5 === 0) {
          await pool(region).query(
            `UPDATE "Fields" SET counter = counter + 1, tags = array_append(tags, $2) WHERE id = $1`,
            [id, value],
          );
          const total = added.get(id);
          if (total) total.sum += 1;
          total?.tags.add(value);
        } else {
          const field = (["lww", "fww", "manual"] as const)[step % 3] ?? "lww";
          const earlier = own.filter((other) => other.id === id).at(-3);
          const base = step % 4 === 0 && earlier ? earlier.clock : null;
          const { rows } = await pool(region).query<{ clock: Record<string, number> }>(
            `UPDATE "Fields" SET ${field} = $2, clock = coalesce($3::jsonb, clock) WHERE id = $1 RETURNING clock`,
            [id, value, base && JSON.stringify(base)],
          );
          if (rows[0]) own.push({ region, id, field, value, clock: rows[0].clock, base });
        }
        await systemSleep(5 + (step % 11));
      }
      writes.push(...own);
    };
    await Promise.all([US, EU, AP].flatMap((region) => [write(region, 1), write(region, 2)]));
    await waitForConvergence(planet.regions, 30_000);

    const { rows } = await pool(AP).query<{ id: string } & Record<string, unknown>>(
      `SELECT * FROM "Fields" WHERE id = ANY ($1)`,
      [ids],
    );
    const held: Held = { rows: new Map(rows.map((row) => [row.id, row])), recorded: new Set() };
    for (const id of ids) {
      for (const { values } of await recordsOf(id)) {
        for (const value of values) held.recorded.add(`${id} ${String(value)}`);
      }
      expect(held.rows.get(id)?.counter).toBe(added.get(id)?.sum);
      expect(new Set(held.rows.get(id)?.tags as string[])).toEqual(added.get(id)?.tags);
    }
    expect(writes.length).toBeGreaterThan(50);
    expect(lost(writes, held)).toEqual([]);
    // Each would have held a stream up for a second.
    expect(await deadlocks()).toBe(deadlocksBefore);
    // A record that is not there would be noticed.
    const only = writes.filter((one) =>
      lost([...writes], { ...held, recorded: new Set() }).includes(one),
    );
    expect(only.length).toBeGreaterThan(0);
  }, 60_000);

  it("lets an order move rights of a bounded counter only, and to a region that exists", async () => {
    await insert("orders", ", counter, high, stock", ", 5, 7, 10");
    const order = (transfer: object) =>
      pool(US).query(`UPDATE "Fields" SET merge = $1::jsonb WHERE id = 'orders'`, [
        JSON.stringify({ $transfer: transfer }),
      ]);
    for (const transfer of [
      { field: "counter", to: EU, amount: 1 },
      { field: "high", to: EU, amount: 1 },
      { field: "$0", to: EU, amount: 1 },
      { field: "stock", to: `${US}>x`, amount: 1 },
      { field: "stock", to: "nowhere", amount: 1 },
      { field: "stock", to: US, amount: 1 },
      { field: "stock", to: EU, amount: -1 },
      { field: "stock", to: EU },
    ]) {
      await expect(order(transfer), JSON.stringify(transfer)).rejects.toMatchObject({
        code: "22023",
      });
    }
    await order({ field: "stock", to: EU, amount: 4 });
    await pool(US).query(`UPDATE "Fields" SET counter = counter + 1 WHERE id = 'orders'`);
    const { rows } = await pool(US).query(
      `SELECT counter, high, stock, mr.rights(merge -> 'stock', 'us-east-1')::int AS rights FROM "Fields" WHERE id = 'orders'`,
    );
    expect(rows).toEqual([{ counter: 6, high: 7, stock: 10, rights: 6 }]);
  });

  it("never sells the last one twice within a region", async () => {
    await insert("last", ", stock", ", 1");
    const take = () =>
      pool(US)
        .query(`UPDATE "Fields" SET stock = stock - 1 WHERE id = 'last'`)
        .then(
          () => "sold",
          (error: { code?: string }) => error.code,
        );
    const outcomes = await Promise.all([take(), take(), take(), take()]);
    expect(outcomes.sort()).toEqual(["MR005", "MR005", "MR005", "sold"]);
  });

  it("keeps capture functions of tables that were declared later from the application", async () => {
    const client = await pool(US).connect();
    try {
      await client.query("SET ROLE meridian_app");
      await client.query('CREATE TEMP TABLE forged AS SELECT * FROM public."Fields" WHERE false');
      await expect(
        client.query(`CREATE TRIGGER forge AFTER INSERT ON forged REFERENCING NEW TABLE AS written
          FOR EACH STATEMENT EXECUTE FUNCTION mr."capture_Fields"()`),
      ).rejects.toMatchObject({ code: "42501" });
      // Its own writes are captured all the same.
      await client.query(`INSERT INTO "Fields" (id) VALUES ('by-application')`);
    } finally {
      client.release(true);
    }
    await waitForConvergence(planet.regions);
    const { rows } = await pool(EU).query(`SELECT id FROM "Fields" WHERE id = 'by-application'`);
    expect(rows).toHaveLength(1);
  });

  it("takes a null in a set for no element, and merges the row", async () => {
    await insert("nulls", ", tags", ", '{a,NULL}'");
    await concurrently(async () => {
      await pool(US).query(
        `UPDATE "Fields" SET lww = 'us', tags = array_append(tags, NULL) WHERE id = 'nulls'`,
      );
      await pool(EU).query(`UPDATE "Fields" SET tags = array_append(tags, 'b') WHERE id = 'nulls'`);
    });
    const { rows } = await pool(AP).query(`SELECT tags FROM "Fields" WHERE id = 'nulls'`);
    expect(rows).toEqual([{ tags: ["a", "b"] }]);
    const letters = await pool(EU).query(`SELECT id FROM mr.dead_letter WHERE open`);
    expect(letters.rows).toEqual([]);
  });

  it("knows the present version in another notation, and refuses what is no clock", async () => {
    await pool(US).query(
      `INSERT INTO "Document" (id, title, "ownerId") VALUES ('notation', 't', 'o')`,
    );
    await pool(US).query(
      `UPDATE "Document" SET "deletedAt" = now(), clock = '{"us-east-1": "1"}' WHERE id = 'notation'`,
    );
    expect(await recordsOf("notation", US)).toEqual([]);
    for (const base of ["[]", "null", "5", '{"us-east-1": "x"}', '{"us-east-1": 1.5}']) {
      await expect(
        pool(US).query(
          `UPDATE "Document" SET title = 'x', clock = $1::jsonb WHERE id = 'notation'`,
          [base],
        ),
        base,
      ).rejects.toMatchObject({ code: expect.stringMatching(/^22/) as string });
    }
    await expect(
      pool(US).query(
        `UPDATE "Document" SET title = 'x', clock = '{"us-east-1#4": 1}' WHERE id = 'notation'`,
      ),
    ).rejects.toMatchObject({ code: "MR004" });
  });

  it("deletes what is deleted at the end of time", async () => {
    await insert("for-ever");
    await pool(US).query(`UPDATE "Fields" SET "deletedAt" = 'infinity' WHERE id = 'for-ever'`);
    await waitForConvergence(planet.regions);
    await concurrently(async () => {
      await pool(US).query(`UPDATE "Fields" SET lww = 'us' WHERE id = 'for-ever'`);
      await pool(EU).query(`UPDATE "Fields" SET fww = 'eu' WHERE id = 'for-ever'`);
    });
    const { rows } = await pool(AP).query(
      `SELECT "deletedAt"::text AS at FROM "Fields" WHERE id = 'for-ever'`,
    );
    expect(rows).toEqual([{ at: "infinity" }]);
  });

  it("writes the same records and values whatever the settings of a session", async () => {
    await pool(US).query(`INSERT INTO "Measures" (id) VALUES ('settings')`);
    await waitForConvergence(planet.regions);
    await planet.pauseWorkers();
    await pool(US).query(
      `UPDATE "Measures" SET n = 0.1::float8 + 0.2, m = 1e-7::float8 / 3, i = '1 day 2 hours' WHERE id = 'settings'`,
    );
    await pool(EU).query(
      `UPDATE "Measures" SET n = 1::float8 / 3, m = 2::float8 / 3, i = '3 mons' WHERE id = 'settings'`,
    );
    // Each merges the other's version in a session of another kind.
    for (const [region, from] of [
      [US, EU],
      [EU, US],
    ] as const) {
      const { rows } = await pool(from).query<{ row: string }>(
        `SELECT o::text AS row FROM mr."outbox_Measures" o WHERE id = 'settings'`,
      );
      const client = await pool(region).connect();
      try {
        if (region === EU) {
          await client.query(
            "SET extra_float_digits = 0; SET intervalstyle = 'iso_8601'; SET timezone = 'Asia/Tokyo'",
          );
        }
        await client.query(`SELECT mr."apply_Measures"($1::mr."outbox_Measures"[])`, [
          rows.map(({ row }) => row),
        ]);
      } finally {
        client.release(true);
      }
    }
    await planet.resumeWorkers();
    await waitForConvergence(planet.regions);
    const records = await recordsOf("settings");
    expect(records.map(({ field }) => field)).toEqual(["i", "m", "n"]);
    const { rows } = await pool(EU).query<{ m: number }>(
      `SELECT m FROM "Measures" WHERE id = 'settings'`,
    );
    expect(rows[0]?.m).toBe(2 / 3);
  });

  it("merges rows that were written several times before they had a state", async () => {
    await insert("old", ", lww, manual, tags, counter, stock", ", 'a', 'a', '{x}', 5, 10");
    await pool(EU).query(`UPDATE "Fields" SET lww = 'b', counter = 6 WHERE id = 'old'`);
    await waitForConvergence(planet.regions);
    await concurrently(async () => {
      for (const { pool: each } of planet.regions) {
        await each.query(
          `BEGIN; SET LOCAL ROLE mr_apply; UPDATE "Fields" SET merge = '{}' WHERE id = 'old'; COMMIT`,
        );
      }
      await pool(US).query(
        `UPDATE "Fields" SET lww = 'us', manual = 'us', counter = counter + 1, tags = '{x,us}' WHERE id = 'old'`,
      );
      await pool(EU).query(
        `UPDATE "Fields" SET lww = 'eu', manual = 'eu', counter = counter + 1, tags = '{eu}' WHERE id = 'old'`,
      );
    });
    const { rows } = await pool(AP).query(
      `SELECT counter, tags, stock, jsonb_array_length(merge -> 'manual') AS siblings FROM "Fields" WHERE id = 'old'`,
    );
    expect(rows).toEqual([{ counter: 8, tags: ["eu", "us"], stock: 10, siblings: 2 }]);
    const fields = (await recordsOf("old")).map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(["lww", "manual"]));
  });

  it("refuses to declare columns that cannot be merged", async () => {
    for (const column of [
      "g integer GENERATED ALWAYS AS (1) STORED",
      "j json",
      '"$0" text',
      '"*" text',
    ]) {
      const client = await pool(US).connect();
      try {
        await client.query("BEGIN");
        await client.query(`CREATE TABLE "Odd" (id text PRIMARY KEY, ${column}, ${META})`);
        await expect(
          client.query(`SELECT mr.declare('Odd', '{"strategy": "merge"}')::text`),
          column,
        ).rejects.toThrow("cannot be replicated");
      } finally {
        await client.query("ROLLBACK");
        client.release();
      }
    }
  });
});

describe("the materialiser", () => {
  let planet: TestPlanet;
  let pool: pg.Pool;
  beforeAll(async () => {
    planet = await startTestPlanet({ count: 1 });
    pool = planet.region(US).pool;
  });
  afterAll(() => planet.stop());

  /** A document whose text is not written down yet. */
  async function behind(content: string): Promise<string> {
    const id = randomUUID();
    const seed = seedUpdate(id, content);
    await pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 't', 'o')`, [id]);
    await pool.query(
      `INSERT INTO "DocumentUpdate" (id, "documentId", "update", "authorId") VALUES ($1, $2, $3, 'o')`,
      [seed.id, id, Buffer.from(seed.update)],
    );
    return id;
  }
  const contentOf = async (id: string) =>
    (await pool.query<{ content: string }>(`SELECT content FROM "Document" WHERE id = $1`, [id]))
      .rows[0]?.content;

  /** Somebody changes the title between its look at a document and its write, so many times. */
  function disturbed(times: number): pg.Pool {
    let left = times;
    const query = async (text: string, values: unknown[]) => {
      if (text.startsWith("UPDATE") && left-- > 0) {
        await pool.query(`UPDATE "Document" SET title = title || '.' WHERE id = $1`, [values[0]]);
      }
      return pool.query(text, values);
    };
    return { query } as unknown as pg.Pool;
  }

  it.each([1, 6])(
    "writes a text down although the title changes %i times meanwhile",
    async (times) => {
      const materialiser = new Materialiser({ store: disturbed(times) });
      await materialiser.look();
      const id = await behind("text");
      await materialiser.look();
      await materialiser.look();
      expect(await contentOf(id)).toBe("text");
    },
  );

  it("writes down what was written to a document while it was deleted", async () => {
    const materialiser = new Materialiser({ store: pool });
    await materialiser.look();
    const id = await behind("text");
    await pool.query(`UPDATE "Document" SET "deletedAt" = now() WHERE id = $1`, [id]);
    await materialiser.look();
    await pool.query(`UPDATE "Document" SET "deletedAt" = NULL WHERE id = $1`, [id]);
    await materialiser.look();
    expect(await contentOf(id)).toBe("text");
  });
});

import type pg from "pg";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { deadLettersOf } from "@/__tests__/support/dead-letters";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

describe("dead letters", () => {
  const { open, letters, refuseBad, insert, title, parked, call, lastId, audits } = deadLettersOf(
    () => eu,
  );
  let planet: TestPlanet;
  let us: pg.Pool;
  let eu: pg.Pool;
  let app: Client;

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER });
    await planet.startWorkers();
    [us, eu] = [planet.region(US).pool, planet.region(EU).pool];
    app = new Client({ connectionString: planet.region(EU).appUrl });
    await app.connect();
  });
  afterAll(async () => {
    await app.end();
    await planet.stop();
  });
  afterEach(async () => {
    await eu.query(`ALTER TABLE "Document" DROP CONSTRAINT IF EXISTS no_bad;
      ALTER TABLE "User" DROP CONSTRAINT IF EXISTS no_bad`);
    for (const { entity, entity_id } of await open()) {
      await eu.query("SELECT mr.retry_dead_letters($1, $2)", [entity, entity_id]);
    }
    expect(await open()).toEqual([]);
  });

  it("parks what violates a constraint here and its followers, and nothing else", async () => {
    await insert(us, "before", "fine");
    await waitForConvergence(planet.regions);
    const before = await applied(eu, US);
    await refuseBad();
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES
      ('p1', 'fine', 'u'), ('poison', 'bad', 'u'), ('p2', 'fine', 'u');
      INSERT INTO "DocumentVersion" (id, "documentId", title, "authorId") VALUES ('pv', 'p1', 't', 'u')`);
    const [first] = await parked("poison");
    expect(first).toMatchObject({ status: "parked", actor: US, sqlstate: "23514", attempts: 1 });
    expect(first?.message).toContain("no_bad");
    // Later batches flow, of the same entity too; later versions of the row wait, of any origin.
    await us.query(`UPDATE "Document" SET summary = 'later' WHERE id = 'poison'`);
    await parked("poison", 2);
    await waitFor(() => title(planet.region(AP).pool, "poison"), { what: "the row in AP" });
    await planet.region(AP).pool.query(`UPDATE "Document" SET "ownerId" = 'v' WHERE id = 'poison'`);
    await insert(us, "after", "fine");
    expect((await parked("poison", 3)).map(({ status }) => status)).toEqual([
      "parked",
      "following",
      "following",
    ]);
    await waitFor(() => title(eu, "after"), { what: "what came after" });
    expect(await title(eu, "p1")).toBe("fine");
    expect(await title(eu, "p2")).toBe("fine");
    expect(await title(eu, "poison")).toBeUndefined();
    expect(await title(us, "poison")).toBe("bad");
    expect(await call(app, "is_pending", "Document", "poison")).toBe(true);
    expect(await call(app, "is_pending", "Document", "p1")).toBe(false);
    // Each event counted once, parked ones included: 4 rows, the update, and the last row.
    expect((await applied(eu, US)) - before).toBe(6);

    expect(await call(app, "retry_dead_letters", "Document", "poison", "admin-1")).toMatchObject({
      kind: "failing",
      events: 0,
      left: 3,
      sqlstate: "23514",
    });
    expect((await letters("poison"))[0]).toMatchObject({ status: "parked", attempts: 2 });

    await eu.query(`ALTER TABLE "Document" DROP CONSTRAINT no_bad`);
    const seen = await orderOfApplication(eu, "poison", () =>
      call(app, "retry_dead_letters", "Document", "poison", "admin-1"),
    );
    expect(seen.outcome).toEqual({ kind: "drained", events: 3 });
    expect(seen.rows).toEqual(["bad//u", "bad/later/u", "bad/later/v"]);
    await waitForConvergence(planet.regions);
    expect(await call(app, "is_pending", "Document", "poison")).toBe(false);
    expect(await audits("poison")).toEqual([
      { actor_user: "admin-1", action: "dead-letter.retry", result: "failing" },
      { actor_user: "admin-1", action: "dead-letter.retry", result: "drained" },
    ]);
  });

  it("drains a row whose later version no longer violates", async () => {
    await refuseBad();
    await insert(us, "mended-there", "bad");
    await parked("mended-there");
    await us.query(`UPDATE "Document" SET title = 'good' WHERE id = 'mended-there'`);
    await parked("mended-there", 2);
    expect(await call(eu, "retry_dead_letters", "Document", "mended-there")).toEqual({
      kind: "drained",
      events: 2,
    });
    await waitForConvergence(planet.regions);
  });

  it.each(["40001", "40P01", "53100", "57014", "08006"])(
    "parks nothing for SQLSTATE %s",
    async (state) => {
      const id = `passing-${state}`;
      const logs = await failingTrigger(eu, state);
      await insert(us, id, "flaky");
      await waitFor(async () => (await logs.attempts()) > 3, { what: "some attempts" });
      expect(await letters(id)).toEqual([]);
      expect(await title(eu, id)).toBeUndefined();
      await logs.drop();
      await waitForConvergence(planet.regions);
      expect(await letters(id)).toEqual([]);
    },
  );

  it("would park for them under a wrong rule (mutant)", async () => {
    const client = await eu.connect();
    try {
      await client.query(`BEGIN; CREATE OR REPLACE FUNCTION mr.is_poison(p_sqlstate text) RETURNS boolean
        LANGUAGE sql IMMUTABLE RETURN left(p_sqlstate, 2) IN ('22', '23', '40', '42');
        CREATE FUNCTION flaky_now() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'now' USING ERRCODE = '40001'; END $$;
        CREATE TRIGGER flaky BEFORE INSERT ON "Document" FOR EACH ROW EXECUTE FUNCTION flaky_now()`);
      await client.query(`SELECT mr."deliver_isolated_Document"('us-east-1', ARRAY[mr."row_Document"(
        to_jsonb(d) || '{"id": "mutant"}')]) FROM "Document" d LIMIT 1`);
      const { rows } = await client.query(
        `SELECT sqlstate FROM mr.dead_letter WHERE entity_id = 'mutant'`,
      );
      expect(rows).toEqual([{ sqlstate: "40001" }]);
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  });

  it("lets rows that trade a unique key pass beside one that is parked", async () => {
    await us.query(`INSERT INTO "User" (id, email, name, "passwordHash") VALUES
      ('s1', 's1@example.com', 'S', 'x'), ('s2', 's2@example.com', 'S', 'x'), ('s3', 's3@example.com', 'S', 'x')`);
    await waitForConvergence(planet.regions);
    await eu.query(
      `ALTER TABLE "User" ADD CONSTRAINT no_bad CHECK (name NOT LIKE 'bad%') NOT VALID`,
    );
    await us.query(`BEGIN; SET CONSTRAINTS ALL DEFERRED;
      UPDATE "User" SET email = 's2@example.com' WHERE id = 's1';
      UPDATE "User" SET email = 's1@example.com' WHERE id = 's2';
      UPDATE "User" SET name = 'bad' WHERE id = 's3'; COMMIT`);
    await parked("s3");
    expect(await letters("s1")).toEqual([]);
    expect(await letters("s2")).toEqual([]);
    expect(
      (await eu.query(`SELECT id, email FROM "User" WHERE id IN ('s1', 's2') ORDER BY id`)).rows,
    ).toEqual([
      { id: "s1", email: "s2@example.com" },
      { id: "s2", email: "s1@example.com" },
    ]);
    // Edited where it is written alone.
    expect(
      await call(app, "edit_dead_letters", "User", "s3", await lastId("s3"), { name: "x" }, "a"),
    ).toEqual({ kind: "elsewhere", leader: US });

    // One of a pair is parked, so the other cannot have its address; both drain together.
    await us.query(`BEGIN; SET CONSTRAINTS ALL DEFERRED;
      UPDATE "User" SET email = 's1@example.com' WHERE id = 's1';
      UPDATE "User" SET email = 's2@example.com', name = 'bad' WHERE id = 's2'; COMMIT`);
    await parked("s1");
    expect((await letters("s1"))[0]).toMatchObject({ sqlstate: "23505" });
    expect((await letters("s2"))[0]).toMatchObject({ sqlstate: "23514" });
    await eu.query(`ALTER TABLE "User" DROP CONSTRAINT no_bad`);
    for (const id of ["s2", "s1", "s3"]) await call(eu, "retry_dead_letters", "User", id);
    await waitForConvergence(planet.regions);
  });

  it("finds exactly the rows that fail, whichever they are", async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
    console.log(`seed ${seed}`);
    const random = randomFrom(seed);
    await refuseBad();
    for (let round = 0; round < 8; round++) {
      const count = 1 + Math.floor(random() * 60);
      const share = random();
      const rows = Array.from({ length: count }, (_, n) => ({
        id: `r${round}-${n}`,
        title: random() < share * share ? "bad" : "fine",
      }));
      await us.query(
        `INSERT INTO "Document" (id, title, "ownerId")
         SELECT id, title, 'u' FROM json_to_recordset($1) AS r (id text, title text)`,
        [JSON.stringify(rows)],
      );
      await insert(us, `r${round}-end`, "fine");
      await waitFor(() => title(eu, `r${round}-end`), { what: `round ${round}, seed ${seed}` });
      const { rows: found } = await eu.query<{ id: string; parked: boolean }>(
        `SELECT entity_id AS id, true AS parked FROM mr.dead_letter WHERE entity_id LIKE $1
         UNION ALL SELECT id, false FROM "Document" WHERE id LIKE $1`,
        [`r${round}-%`],
      );
      const wanted = [
        ...rows.map(({ id, title: t }) => `${id} ${t === "bad"}`),
        `r${round}-end false`,
      ];
      expect(found.map(({ id, parked: p }) => `${id} ${p}`).sort()).toEqual(wanted.sort());
    }
  });
});

async function applied(pool: pg.Pool, actor: string): Promise<number> {
  const { rows } = await pool.query<{ events: string }>(
    "SELECT events FROM mr.cursor WHERE actor = $1",
    [actor],
  );
  return Number(rows[0]?.events ?? 0);
}

/** The versions of a row in the order in which they reach the table. */
async function orderOfApplication<T>(pool: pg.Pool, id: string, run: () => Promise<T>) {
  await pool.query(`CREATE TABLE seen (n serial, row text);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN INSERT INTO seen (row) VALUES (concat_ws('/', NEW.title, NEW.summary, NEW."ownerId")); RETURN NULL; END $$;
    CREATE TRIGGER see AFTER INSERT OR UPDATE ON "Document" FOR EACH ROW WHEN (NEW.id = '${id}') EXECUTE FUNCTION see()`);
  const outcome = await run();
  const { rows } = await pool.query<{ row: string }>("SELECT row FROM seen ORDER BY n");
  await pool.query(`DROP TRIGGER see ON "Document"; DROP FUNCTION see; DROP TABLE seen`);
  return { outcome, rows: rows.map(({ row }) => row) };
}

/** Makes each row with the title "flaky" fail with an error, and counts (a sequence never rolls back). */
async function failingTrigger(pool: pg.Pool, state: string) {
  await pool.query(`CREATE SEQUENCE flaky_attempts; GRANT USAGE ON SEQUENCE flaky_attempts TO PUBLIC;
    CREATE FUNCTION flaky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM nextval('public.flaky_attempts');
      RAISE EXCEPTION 'not now' USING ERRCODE = '${state}'; END $$;
    CREATE TRIGGER flaky BEFORE INSERT ON "Document" FOR EACH ROW WHEN (NEW.title = 'flaky') EXECUTE FUNCTION flaky()`);
  return {
    attempts: async () => {
      const { rows } = await pool.query<{ n: number }>(
        "SELECT last_value::int AS n FROM flaky_attempts",
      );
      return rows[0]?.n ?? 0;
    },
    drop: () =>
      pool.query(
        `DROP TRIGGER flaky ON "Document"; DROP FUNCTION flaky; DROP SEQUENCE flaky_attempts`,
      ),
  };
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { lead } from "@/__tests__/support/lead";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { RegionPool, rehearseWrites } from "@/lib/db/regions/region-pool";

const VIRGINIA = "us-east-1";
const DUBLIN = "eu-west-1";

let planet: TestPlanet;

/** Virginia leads, Dublin does not. No worker runs. */
beforeAll(async () => {
  planet = await startTestPlanet({ failover: {} });
  await lead(planet, VIRGINIA, 2);
});
afterAll(() => planet.stop());

/** A session of the application's role. */
async function session(region: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: planet.region(region).appUrl });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const insert = (client: pg.Client, id = randomUUID()) =>
  client.query(`INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $2, 'x', 'x')`, [
    id,
    `${id}@example.com`,
  ]);

/** All that a write would leave: rows, dead ones too, events, and positions. */
async function traces(region: string): Promise<unknown> {
  const { pool } = planet.region(region);
  const { rows } = await pool.query(
    `SELECT (SELECT count(*) FROM "User") AS users, (SELECT count(*) FROM mr."outbox_User") AS events,
       pg_relation_size('"User"') AS bytes, pg_relation_size('mr."outbox_User"') AS outbox_bytes,
       mr.last_event() AS last_event, l.epoch, l.valid_until, r.last_value AS released
     FROM mr.lease l, mr.released r`,
  );
  return rows[0];
}

describe("a rehearsed write", () => {
  it.each([VIRGINIA, DUBLIN])("leaves no trace, whoever leads: %s", async (region) => {
    const client = await session(region);
    const before = await traces(region);
    // In one transaction, so that what it wrote, also what it took back, can be counted at its end.
    await client.query("BEGIN");
    await client.query("SELECT mr.rehearse_write()");
    const { rows } = await client.query<{ written: number; locks: number }>(
      `SELECT (SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int
                 FROM pg_stat_xact_user_tables) AS written,
         (SELECT count(*)::int FROM pg_locks
            WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS locks`,
    );
    await client.query("COMMIT");
    // Not that they were removed again: none was ever written.
    expect(rows).toEqual([{ written: 0, locks: 0 }]);
    expect(await traces(region)).toEqual(before);
  });

  it("opens no way past the fence", async () => {
    const client = await session(DUBLIN);
    await client.query("BEGIN");
    await client.query("SELECT mr.rehearse_write()");
    await expect(insert(client)).rejects.toMatchObject({ code: "MR001" });
    await client.query("ROLLBACK");
    await client.query("SELECT mr.rehearse_capture()");
    await expect(insert(client)).rejects.toMatchObject({ code: "MR001" });
    for (const statement of ["SET ROLE mr_rehearse", "SET SESSION AUTHORIZATION mr_rehearse"]) {
      await expect(client.query(statement)).rejects.toMatchObject({ code: "42501" });
    }
    const { rows } = await client.query<{ member: boolean; owned: string[] }>(
      `SELECT pg_has_role('mr_rehearse', 'MEMBER') AS member,
         (SELECT array_agg(oid::regprocedure::text) FROM pg_proc
            WHERE proowner = 'mr_rehearse'::regrole) AS owned`,
    );
    expect(rows).toEqual([{ member: false, owned: ["mr.rehearse_capture()"] }]);
  });

  it("would be refused at its commit if it wrote a row after all", async () => {
    const { pool } = planet.region(DUBLIN);
    const client = await pool.connect();
    onTestFinished(() => client.release());
    await client.query("BEGIN");
    await client.query("SET LOCAL ROLE mr_rehearse");
    const id = randomUUID();
    await client.query(
      `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $1, 'x', 'x')`,
      [id],
    );
    await expect(client.query("COMMIT")).rejects.toMatchObject({ code: "MR001" });
    const { rowCount } = await pool.query(`SELECT FROM "User" WHERE id = $1`, [id]);
    expect(rowCount).toBe(0);
  });

  it("runs the triggers of a write, so that the first one finds them ready", async () => {
    const { pool } = planet.region(DUBLIN);
    const client = await pool.connect();
    onTestFinished(() => client.release());
    await client.query("BEGIN");
    await client.query("SET LOCAL track_functions = 'pl'");
    await client.query("SELECT mr.rehearse_write()");
    const { rows } = await client.query<{ funcname: string }>(
      "SELECT funcname FROM pg_stat_xact_user_functions WHERE calls > 0",
    );
    await client.query("ROLLBACK");
    // The fence is not counted where it refuses.
    expect(rows.map(({ funcname }) => funcname)).toEqual(
      expect.arrayContaining(["stamp", "capture_User"]),
    );
  });
});

describe("connections that write", () => {
  const NAME = "rehearsed-pool";

  function open(region: string): RegionPool {
    const pool = new RegionPool({
      connectionString: planet.region(region).appUrl,
      max: 4,
      application_name: NAME,
    });
    rehearseWrites(pool);
    onTestFinished(() => pool.end());
    return pool;
  }

  const lastStatements = async (region: string) => {
    const { rows } = await planet.region(region).pool.query<{ query: string }>(
      `SELECT query FROM pg_stat_activity
       WHERE application_name = $1 AND datname = current_database() AND state = 'idle'`,
      [NAME],
    );
    return rows.map(({ query }) => query);
  };

  it("each rehearse once, after their first use", async () => {
    const pool = open(DUBLIN);
    await Promise.all([1, 2, 3].map(() => pool.query("SELECT pg_sleep(0.1)")));
    const rehearsed = Array(3).fill("SELECT mr.rehearse_write()");
    await waitFor(async () => (await lastStatements(DUBLIN)).join() === rehearsed.join(), {
      what: "three rehearsals",
    });
    expect(pool.totalCount).toBe(3);
    const rehearsals = vi.spyOn(pg.Client.prototype, "query");
    onTestFinished(() => rehearsals.mockRestore());
    await Promise.all([1, 2, 3].map(() => pool.query("SELECT 1")));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(rehearsals).toHaveBeenCalledTimes(3);
  });

  it("are kept when a statement is refused, and closed when they break", async () => {
    const pool = open(DUBLIN);
    const backend = async () =>
      (await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
    const first = await backend();
    await expect(pool.query("SELECT 1 / 0")).rejects.toMatchObject({ code: "22012" });
    expect(await backend()).toBe(first);
    await expect(pool.query("SELECT pg_terminate_backend(pg_backend_pid())")).rejects.toBeDefined();
    expect(await backend()).not.toBe(first);
  });
});

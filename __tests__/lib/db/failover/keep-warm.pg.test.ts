import pg from "pg";
import { afterEach, expect, it, onTestFinished } from "vitest";
import { lead } from "@/__tests__/support/lead";
import { startTestPlanet } from "@/__tests__/support/planet";
import { testStores } from "@/__tests__/support/stores";
import { waitFor } from "@/__tests__/support/wait-for";
import { keepWarm } from "@/lib/db/failover/keep-warm";

const IDLE_MS = 100;
const NAME = "keep-warm";
let pool: pg.Pool;
afterEach(() => pool.end());

function open(connectionString = testStores().clusters[0]!.adminUrl): pg.Pool {
  pool = new pg.Pool({
    connectionString,
    max: 4,
    min: 3,
    idleTimeoutMillis: IDLE_MS,
    application_name: NAME,
  });
  pool.on("error", () => undefined);
  return pool;
}

it("opens what is missing, which stays open while nobody needs it", async () => {
  open();
  await pool.query("SELECT 1");
  keepWarm(pool, 3);
  // It is not opened twice, and whoever asks meanwhile does not wait for it.
  keepWarm(pool, 3);
  expect(pool.totalCount).toBeLessThanOrEqual(3);
  await pool.query("SELECT 1");
  await waitFor(() => pool.idleCount === 3, { what: "three idle connections" });
  await new Promise((resolve) => setTimeout(resolve, 3 * IDLE_MS));
  expect(pool.totalCount).toBe(3);
});

it("opens them again after they were lost", async () => {
  open();
  keepWarm(pool, 3);
  await waitFor(() => pool.idleCount === 3, { what: "three idle connections" });
  await pool
    .query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE pid <> pg_backend_pid() AND application_name = $1`,
      [NAME],
    )
    .catch(() => undefined);
  await waitFor(() => pool.totalCount === 1, { what: "the two others to be lost" });
  keepWarm(pool, 3);
  await waitFor(() => pool.idleCount === 3, { what: "three idle connections again" });
});

it("fails for nobody where there is no server", async () => {
  open("postgresql://nobody@127.0.0.1:9/none");
  keepWarm(pool, 3);
  await waitFor(() => pool.totalCount === 0, { what: "the attempts to end" });
});

it("rehearses a hand-over on each connection, with no effect", async () => {
  const planet = await startTestPlanet();
  onTestFinished(() => planet.stop());
  const [leader, other] = planet.ids;
  await lead(planet, leader!, 2);
  for (const region of [leader!, other!]) {
    const database = planet.region(region);
    const before = await leadershipOf(database.pool);
    open(database.directUrl);
    keepWarm(pool, 3);
    await waitFor(() => pool.idleCount === 3, { what: "three idle connections" });
    const { rows } = await database.pool.query<{ query: string }>(
      `SELECT query FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()`,
      [NAME],
    );
    expect(rows.map(({ query }) => query)).toEqual(Array(3).fill("SELECT mr.rehearse()"));
    // It is no error that is swallowed.
    await database.pool.query("SELECT mr.rehearse()");
    expect(await leadershipOf(database.pool)).toEqual(before);
    await pool.end();
  }
  open();
});

async function leadershipOf(db: pg.Pool): Promise<unknown> {
  const { rows } = await db.query(
    `SELECT l.epoch, l.valid_until, l.set_backs, l.renewals, r.last_value AS released, a.promised_epoch, a.grants,
       s.leader, s.epoch AS followed, mr.last_event() AS last_event, (SELECT count(*) FROM "User") AS users
     FROM mr.lease l, mr.released r, mr.acceptor a, mr.leadership s`,
  );
  return rows[0];
}

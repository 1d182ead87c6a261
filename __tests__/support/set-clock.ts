import type { Pool } from "pg";

/** SQL for the machine's clock in a database whose own was made settable. */
export const TRUE_CLOCK = "pg_catalog.true_clock_timestamp()";

/**
 * Puts a function that can be set in the place of the database's clock. To be called before anything
 * else connects: plans that were made before keep the true one. now() stays true; nothing that decides
 * about leases uses it.
 */
export async function makeClockSettable(pool: Pool): Promise<void> {
  await pool.query(`
    CREATE TABLE mr.test_clock (ahead interval NOT NULL);
    INSERT INTO mr.test_clock VALUES ('0 s');
    ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO true_clock_timestamp;
    CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog
      AS 'SELECT true_clock_timestamp() + ahead FROM mr.test_clock';
    CREATE OR REPLACE FUNCTION mr.hlc_now() RETURNS bigint
      LANGUAGE sql VOLATILE PARALLEL SAFE
      RETURN floor(date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::bigint << 16;
  `);
}

/** Steps the clock to so far from the true time. */
export async function setClock(pool: Pool, aheadMs: number): Promise<void> {
  await pool.query("UPDATE mr.test_clock SET ahead = make_interval(secs => $1::float8 / 1000)", [
    aheadMs,
  ]);
}

import type pg from "pg";
import { APP_ROLE } from "@/scripts/local/planet-env";

/** Of the twin, in the same database: a client of the same models writes to either. */
export const TWIN_SCHEMA = "plain";

const TWIN = `${TWIN_SCHEMA}."Document"`;

/** What an application writes. Clocks and registers stay empty: without triggers there are none. */
const COLUMNS = `id, title, summary, content, "ownerId", "createdAt", "updatedAt", "updatedBy"`;

/**
 * Makes a table "Document" without triggers, with the columns and indexes of the replicated one and its rows.
 *
 * @param pool of the owner
 */
export async function createTwin(pool: pg.Pool): Promise<void> {
  await pool.query(`
    CREATE SCHEMA ${TWIN_SCHEMA};
    CREATE TABLE ${TWIN} (LIKE public."Document" INCLUDING ALL);
    GRANT USAGE ON SCHEMA ${TWIN_SCHEMA} TO ${APP_ROLE};
    GRANT SELECT, INSERT, UPDATE ON ${TWIN} TO ${APP_ROLE}`);
  await fillTwin(pool);
}

/** Gives the twin the rows that it lacks. */
export async function fillTwin(pool: pg.Pool): Promise<void> {
  await pool.query(
    `INSERT INTO ${TWIN} (${COLUMNS}) SELECT ${COLUMNS} FROM public."Document" ON CONFLICT DO NOTHING`,
  );
  await pool.query(`ANALYZE ${TWIN}, public."Document"`);
}

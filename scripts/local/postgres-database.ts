import { Client, DatabaseError, escapeIdentifier } from "pg";
import { MeridianError } from "@/lib/errors";

export class PasswordRefusedError extends MeridianError {
  constructor(cause: unknown) {
    super("password-refused", "The database refuses the owner's password.", { cause });
  }
}

const INVALID_PASSWORD = "28P01";
const DUPLICATE_DATABASE = "42P04";
const UNIQUE_VIOLATION = "23505"; // two creators at once

/** Creates the database that the connection string names, unless it is there. */
export async function ensureDatabase(url: string): Promise<void> {
  const target = new URL(url);
  const database = decodeURIComponent(target.pathname.slice(1));
  target.pathname = "/postgres";
  const client = new Client({ connectionString: target.href, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined); // reported by the query that is running
  try {
    await client.connect();
    const found = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(database)}`);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.code === INVALID_PASSWORD) throw new PasswordRefusedError(error);
    if (error.code !== DUPLICATE_DATABASE && error.code !== UNIQUE_VIOLATION) throw error;
  } finally {
    await client.end();
  }
}

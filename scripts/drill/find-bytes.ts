import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type pg from "pg";

/** Files below a folder, and which of the texts each of them contains, byte for byte. */
export async function findInFiles(
  folder: string,
  texts: readonly string[],
): Promise<{ files: number; found: Map<string, string[]> }> {
  const found = new Map<string, string[]>();
  let files = 0;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    // A server deletes and renames files while it runs.
    const bytes = await readFile(file).catch(() => null);
    if (bytes === null) continue;
    files += 1;
    for (const text of texts) {
      if (bytes.includes(text)) found.set(text, [...(found.get(text) ?? []), file]);
    }
  }
  return { files, found };
}

/** Which of the texts a database holds, in any row of any table of its own. */
export async function findInTables(
  pool: pg.Pool,
  texts: readonly string[],
): Promise<Map<string, string[]>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`,
  );
  const found = new Map<string, string[]>();
  for (const { name } of tables) {
    for (const text of texts) {
      // The bytes of a Yjs update are printed as hexadecimal digits.
      const { rows } = await pool.query<{ has: boolean }>(
        `SELECT EXISTS (SELECT FROM ${name} t
           WHERE t::text LIKE '%' || $1 || '%' OR t::text LIKE '%' || $2 || '%') AS has`,
        [text, Buffer.from(text).toString("hex")],
      );
      if (rows[0]?.has) found.set(text, [...(found.get(text) ?? []), name]);
    }
  }
  return found;
}

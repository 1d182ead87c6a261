import type pg from "pg";
import { UnknownEntityError } from "@/lib/errors";
import { toBinaryArray, type EntityRows } from "@/lib/db/replication/batch";
import { escapeIdentifier } from "pg";

/** Rows and bytes of one transfer: the merging transaction holds back the horizon while it runs. */
const CHUNK_ROWS = 1_000;
const CHUNK_BYTES = 2 * 1024 * 1024;

/** Cuts rows into transfers. A single row may be larger than a whole one. */
export function chunked<T extends { bytes: number }>(rows: readonly T[]): T[][] {
  const chunks: T[][] = [];
  let chunk: T[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (chunk.length > 0 && (chunk.length >= CHUNK_ROWS || bytes + row.bytes > CHUNK_BYTES)) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(row);
    bytes += row.bytes;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/**
 * Rows in the form in which batches carry events; null when none of them is there.
 *
 * @param reader the region that they are for: those that must not be there are left out
 */
export async function readRows(
  source: pg.Pool | pg.PoolClient,
  reader: string,
  entity: string,
  ids: readonly string[],
): Promise<EntityRows | null> {
  const { rows } = await source.query<{ events: number; payload: Buffer | null }>(
    "SELECT events, payload FROM mr.read_rows($1, $2::text[], $3)",
    [entity, ids, reader],
  );
  const row = rows[0];
  if (!row || row.events === 0 || row.payload === null) return null;
  return { entity, count: row.events, elements: row.payload };
}

function typed(types: ReadonlyMap<string, number>, rows: EntityRows): [Buffer, string] {
  const oid = types.get(rows.entity);
  if (oid === undefined) throw new UnknownEntityError(rows.entity);
  return [toBinaryArray(oid, rows), `mr.${escapeIdentifier(`outbox_${rows.entity}`)}[]`];
}

/** Merges rows by the entity's own strategy. `types` are those of the target's database. */
export async function mergeRows(
  target: pg.Pool,
  types: ReadonlyMap<string, number>,
  rows: EntityRows,
): Promise<void> {
  const [array, type] = typed(types, rows);
  await target.query(`SELECT mr.merge_copied($1, $2::${type})`, [rows.entity, array]);
}

/** Replaces rows that still have the expected hashes; returns how many did. */
export async function putRows(
  target: pg.Pool,
  types: ReadonlyMap<string, number>,
  rows: EntityRows,
  expected: ReadonlyMap<string, string>,
): Promise<number> {
  const [array, type] = typed(types, rows);
  const result = await target.query<{ count: number }>(
    `SELECT mr.put_rows($1, $2::${type}, $3::text[], $4::text[]) AS count`,
    [rows.entity, array, [...expected.keys()], [...expected.values()]],
  );
  return result.rows[0]?.count ?? 0;
}

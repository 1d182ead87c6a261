import type pg from "pg";
import { waitFor } from "./wait-for";

type Region = { id: string; pool: pg.Pool };

async function entityTables(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>("SELECT name FROM mr.entity ORDER BY name");
  return rows.map(({ name }) => name);
}

/** Hash of every replicated row with its metadata, by table. */
export async function contentHash(pool: pg.Pool): Promise<string> {
  const hashes: string[] = [];
  for (const table of await entityTables(pool)) {
    const { rows } = await pool.query<{ hash: string | null }>(
      `SELECT md5(string_agg(to_jsonb(t)::text, chr(10) ORDER BY t.id)) AS hash FROM "${table}" t`,
    );
    hashes.push(`${table}=${rows[0]?.hash ?? "empty"}`);
  }
  return hashes.join(" ");
}

/** Until no transaction is open any more that came before what was written last, of whichever worker. */
export async function untilReadable(pool: pg.Pool): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await pool.query<{ readable: boolean }>(
        "SELECT mr.horizon() > mr.last_event() AS readable",
      );
      return rows[0]?.readable === true;
    },
    { what: "the last event to be below the horizon" },
  );
}

const SHOWN_ROWS = 3;
const SHOWN_LENGTH = 800;

/** The first rows that are not the same everywhere, how far each region is, and what may hold it up. */
async function describeDifferences(regions: readonly Region[]): Promise<string> {
  const lines: string[] = [];
  const [first] = regions;
  for (const table of first ? await entityTables(first.pool) : []) {
    const byId = new Map<string, (string | undefined)[]>();
    for (const [index, { pool }] of regions.entries()) {
      const { rows } = await pool.query<{ id: string; row: string }>(
        `SELECT t.id::text AS id, to_jsonb(t)::text AS row FROM "${table}" t`,
      );
      for (const { id, row } of rows) {
        const everywhere = byId.get(id) ?? regions.map(() => undefined);
        everywhere[index] = row;
        byId.set(id, everywhere);
      }
    }
    const different = [...byId].filter(([, rows]) => new Set(rows).size > 1);
    if (different.length > 0) lines.push(`${table}: ${different.length} rows differ`);
    for (const [id, rows] of different.slice(0, SHOWN_ROWS)) {
      for (const [index, row] of rows.entries()) {
        lines.push(`  ${id} in ${regions[index]?.id}: ${row?.slice(0, SHOWN_LENGTH) ?? "none"}`);
      }
    }
  }
  for (const { id, pool } of regions) {
    const { rows } = await pool.query<{ cursors: string }>(
      "SELECT coalesce(json_agg(to_jsonb(c)), '[]')::text AS cursors FROM mr.cursor c",
    );
    lines.push(`cursors of ${id}: ${rows[0]?.cursors}`);
    // One that writes, in whichever database of the server, holds every stream of it back.
    const { rows: open } = await pool.query<{ what: string }>(
      `SELECT format('%s in %s (%s) for %s: %s', application_name, datname, state,
                     clock_timestamp() - xact_start, left(query, 200)) AS what
       FROM pg_stat_activity WHERE backend_xid IS NOT NULL`,
    );
    lines.push(...open.map(({ what }) => `open in ${id}: ${what}`));
  }
  return lines.join("\n");
}

/** Waits until all regions hold the same rows, and returns their hash. */
export async function waitForConvergence(
  regions: readonly Region[],
  timeoutMs = 10_000,
): Promise<string> {
  try {
    return await waitFor(
      async () => {
        const hashes = await Promise.all(regions.map(({ pool }) => contentHash(pool)));
        return new Set(hashes).size === 1 && hashes[0];
      },
      { timeoutMs, intervalMs: 100, what: "all regions to hold the same rows" },
    );
  } catch (cause) {
    const differences = await describeDifferences(regions);
    throw new Error(`${(cause as Error).message}\n${differences}`, { cause });
  }
}

/** Waits until every region has heard all that has been written so far, of what it may have. */
export async function untilTold(regions: readonly Region[], timeoutMs = 20_000): Promise<void> {
  const heads = await Promise.all(
    regions.map(async ({ id, pool }) => {
      const { rows } = await pool.query<{ actor: string; last: string }>(
        "SELECT mr.local_actor() AS actor, mr.last_event()::text AS last",
      );
      return { id, ...rows[0] };
    }),
  );
  for (const head of heads) {
    for (const { id, pool } of regions) {
      if (id === head.id) continue;
      await waitFor(
        async () => {
          const { rowCount } = await pool.query(
            "SELECT FROM mr.cursor WHERE actor = $1 AND position >= $2::bigint",
            [head.actor, head.last],
          );
          return rowCount === 1;
        },
        { timeoutMs, what: `${id} to have heard ${head.id}` },
      );
    }
  }
}

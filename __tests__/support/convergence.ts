import type pg from "pg";
import { waitFor } from "./wait-for";

/** Hash of every replicated row with its metadata, by table. */
export async function contentHash(pool: pg.Pool): Promise<string> {
  const hashes: string[] = [];
  const { rows: entities } = await pool.query<{ name: string }>(
    "SELECT name FROM mr.entity ORDER BY name",
  );
  for (const { name: table } of entities) {
    const { rows } = await pool.query<{ hash: string | null }>(
      `SELECT md5(string_agg(to_jsonb(t)::text, chr(10) ORDER BY t.id)) AS hash FROM "${table}" t`,
    );
    hashes.push(`${table}=${rows[0]?.hash ?? "empty"}`);
  }
  return hashes.join(" ");
}

/** Waits until all regions hold the same rows, and returns their hash. */
export async function waitForConvergence(
  regions: readonly { id: string; pool: pg.Pool }[],
  timeoutMs = 10_000,
): Promise<string> {
  return waitFor(
    async () => {
      const hashes = await Promise.all(regions.map(({ pool }) => contentHash(pool)));
      return new Set(hashes).size === 1 && hashes[0];
    },
    { timeoutMs, intervalMs: 100, what: "all regions to hold the same rows" },
  );
}

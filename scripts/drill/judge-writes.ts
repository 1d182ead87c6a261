import type pg from "pg";
import { readAttempts } from "@/lib/db/failover/history";
import { waitUntil } from "@/scripts/local/process-tools";
import type { Acknowledged } from "./write-gaps";

export interface Judgement {
  /** Acknowledged, and in some region neither present nor, in region durability, listed as stranded. */
  lost: number;
  stranded: number;
  /** Of these: part of what all regions have now. */
  merged: number;
  /** Writes of a former leader after the next one began. */
  interleaved: number;
}

/** What became of the drill's writes, once all regions have everything or `timeoutMs` is over. */
export async function judgeWrites(
  pools: readonly pg.Pool[],
  acknowledged: readonly Acknowledged[],
  timeoutMs: number,
): Promise<Judgement> {
  const ids = acknowledged.map(({ id }) => id);
  let missing: string[] = ids;
  const nothingMissing = async () => {
    missing = await missingOf(pools, ids);
    return missing.length === 0;
  };
  await waitUntil(() => nothingMissing().catch(() => false), timeoutMs);
  const stranded = new Map<string, string>();
  for (const pool of pools) {
    const { rows } = await pool.query<{ entity_id: string; outcome: string }>(
      "SELECT entity_id, outcome FROM mr.stranded_write",
    );
    for (const { entity_id, outcome } of rows) stranded.set(entity_id, outcome);
  }
  const quorum = new Set(
    acknowledged.flatMap(({ id, durability }) => (durability === "quorum" ? [id] : [])),
  );
  return {
    lost: missing.filter((id) => quorum.has(id) || !stranded.has(id)).length,
    stranded: stranded.size,
    merged: [...stranded.values()].filter((outcome) => outcome === "merged").length,
    interleaved: await countInterleaved(pools),
  };
}

/** That some region does not have. */
async function missingOf(pools: readonly pg.Pool[], ids: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    pools.map(async (pool) => {
      const { rows } = await pool.query<{ id: string }>(
        `SELECT i.id FROM unnest($1::text[]) i (id)
         WHERE NOT EXISTS (SELECT FROM "User" u WHERE u.id = i.id)`,
        [ids],
      );
      return rows.map(({ id }) => id);
    }),
  );
  return [...new Set(lists.flat())];
}

/**
 * Rows in the order of their stamps change their origin once per promotion: the databases share one
 * clock. More changes than promotions are writes of a former leader after the next one began.
 */
async function countInterleaved(pools: readonly pg.Pool[]): Promise<number> {
  const [first] = pools;
  if (!first) return 0;
  const { rows } = await first.query<{ changes: number }>(
    `SELECT count(*)::int AS changes FROM (
       SELECT origin, lag(origin) OVER (ORDER BY hlc) AS before FROM "User" WHERE name = 'drill') o
     WHERE origin <> before`,
  );
  // A region that was away may not have been told of every promotion yet.
  const promotions = new Set<string>();
  for (const pool of pools) {
    const told = await readAttempts(pool, 1_000);
    for (const { id, status } of told) {
      if (status === "completed" || status === "rolled_back") promotions.add(id);
    }
  }
  return Math.max(0, (rows[0]?.changes ?? 0) - promotions.size);
}

import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { RepairRegion } from "./snapshot";

/** How long a region waits for its peers before it takes writes without them, in ms. */
const LEVEL_MS = 15_000;

/**
 * Waits until each of the peers has what this region's former incarnations wrote and the region has got back: what it
 * writes next may be an answer to that. Their own workers copy it.
 *
 * @returns the peers that have not in time, or do not answer
 */
export async function untilLevel(
  region: RepairRegion,
  peers: readonly RepairRegion[],
): Promise<string[]> {
  const former = async (pool: pg.Pool) => {
    const { rows } = await pool.query<{ actor: string; position: string }>(
      `SELECT actor, position::text FROM mr.cursor WHERE split_part(actor, '#', 1) = $1`,
      [region.id],
    );
    return new Map(rows.map(({ actor, position }) => [actor, BigInt(position)]));
  };
  const { rows } = await region.pool.query<{ actor: string }>("SELECT mr.local_actor() AS actor");
  const held = await former(region.pool);
  held.delete(rows[0]?.actor ?? "");
  const deadline = performance.now() + LEVEL_MS;
  const isBehind = async ({ pool }: RepairRegion) => {
    const theirs = await former(pool).catch(() => null);
    return ![...held].every(([actor, position]) => (theirs?.get(actor) ?? -1n) >= position);
  };
  for (;;) {
    const flags = await Promise.all(peers.map(isBehind));
    const behind = peers.filter((_, n) => flags[n]).map(({ id }) => id);
    if (behind.length === 0 || performance.now() > deadline) return behind;
    await systemSleep(100);
  }
}

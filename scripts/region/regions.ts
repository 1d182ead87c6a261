import { connectStore } from "@/lib/db/replication/store";
import type { RepairRegion } from "@/lib/db/replication/repair/snapshot";

/** Hashing a large table, or copying many rows, takes longer than what a worker asks for. */
const QUERY_TIMEOUT_MS = 600_000;

export interface OpenRegions {
  regions: RepairRegion[];
  close(): Promise<void>;
}

/** Pools of regions for the time of a command. Connects nothing yet. */
export function openRegions(targets: readonly { id: string; directUrl: string }[]): OpenRegions {
  const regions = targets.map(({ id, directUrl }) => ({
    id,
    pool: connectStore(directUrl, { max: 3, queryTimeoutMs: QUERY_TIMEOUT_MS }),
  }));
  return {
    regions,
    close: async () => {
      await Promise.all(regions.map(({ pool }) => pool.end().catch(() => undefined)));
    },
  };
}

/** Which of the regions answer, and what the others said. */
export async function reachable(
  regions: readonly RepairRegion[],
): Promise<{ up: RepairRegion[]; down: string[] }> {
  const answers = await Promise.allSettled(
    regions.map(({ pool }) => pool.query("SELECT FROM mr.local")),
  );
  const isUp = (index: number) => answers[index]?.status === "fulfilled";
  return {
    up: regions.filter((_, index) => isUp(index)),
    down: regions.filter((_, index) => !isUp(index)).map(({ id }) => id),
  };
}

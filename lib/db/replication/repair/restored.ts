import type pg from "pg";
import { failpoint } from "@/lib/failpoints";
import { copyFrom, type Copied, type CopyProgress } from "./copy";
import { withCopyLock } from "./copy-lock";
import { seenBeats, seenIncarnation } from "./enrol";
import { untilLevel } from "./until-level";
import type { RepairRegion } from "./snapshot";

const LOOK_TIMEOUT_MS = 5_000;

export type RegionDataState = "ready" | "copying" | "restored";

export async function readDataState(pool: pg.Pool): Promise<RegionDataState | null> {
  const { rows } = await pool.query<{ state: RegionDataState }>({
    text: "SELECT state FROM mr.local",
    // Pools that copy have patience for more than this.
    ...{ query_timeout: LOOK_TIMEOUT_MS },
  });
  return rows[0]?.state ?? null;
}

/** How far all peers have applied what the region has written so far. */
async function appliedEverywhere(
  region: RepairRegion,
  peers: readonly RepairRegion[],
): Promise<bigint> {
  const { rows: own } = await region.pool.query<{ actor: string }>(
    "SELECT mr.local_actor() AS actor",
  );
  const positions = await Promise.all(
    peers.map(async ({ pool }) => {
      const { rows } = await pool.query<{ position: string }>(
        "SELECT position::text FROM mr.cursor WHERE actor = $1",
        [own[0]?.actor],
      );
      return BigInt(rows[0]?.position ?? "0");
    }),
  );
  return positions.reduce((a, b) => (b < a ? b : a), positions[0] ?? 0n);
}

export interface Healed {
  /** The incarnation that it has now. */
  incarnation: number;
  /** Rows written since the restore, told again under the new incarnation. */
  republished: number;
  copied: Copied[];
  /** Peers that lack something of the former one yet: they get it once their workers run. */
  behind: string[];
}

/**
 * Heals a region whose database was restored from an old copy and refuses writes: what was written
 * since the restore becomes writes of a new incarnation, what the peers have is merged, the peers get
 * what one of them alone had heard, and then writes are taken again. Every step may be repeated after
 * an interruption. Null: nothing to heal.
 *
 * `peers` has to be all of them: what only an absent one has comes when it is back
 * (former-incarnations.ts), and the region would take writes without it.
 */
export async function healRestored(
  region: RepairRegion,
  peers: readonly RepairRegion[],
  onProgress?: (progress: CopyProgress) => void,
): Promise<Healed | null> {
  return withCopyLock(region, async () => {
    let republished = 0;
    const state = await readDataState(region.pool);
    if (state === null || state === "ready") return null;
    if (state === "restored") {
      const seen = await seenIncarnation([region, ...peers], region.id);
      const { rows } = await region.pool.query<{ told: number }>(
        "SELECT mr.take_incarnation($1, $2::bigint) AS told",
        [(seen ?? 0) + 1, (await appliedEverywhere(region, peers)).toString()],
      );
      republished = rows[0]?.told ?? 0;
      failpoint("recovery:incarnated");
    }
    // Peers may have seen beats of boots that this database does not know: they are its past too.
    const beats = await seenBeats(peers, region.id);
    const copied = await copyFrom(peers, region, onProgress);
    failpoint("recovery:copied");
    const behind = await untilLevel(region, peers);
    await region.pool.query("SELECT mr.accept_writes($1::jsonb)", [JSON.stringify(beats)]);
    const { rows } = await region.pool.query<{ incarnation: number }>(
      "SELECT incarnation FROM mr.local",
    );
    return { incarnation: rows[0]?.incarnation ?? 0, republished, copied, behind };
  });
}

import type pg from "pg";
import { MeridianError } from "@/lib/errors";
import { copyFrom, type Copied, type CopyProgress } from "./copy";
import { seenBeats, seenIncarnation } from "./enrol";
import type { RepairRegion } from "./snapshot";

/** One region at a time is copied into, whoever does it: a worker or a command. */
const COPY_LOCK = 72_707_371;

export class CopyLockedError extends MeridianError {
  constructor(region: string) {
    super("copy-locked", `Rows are being copied into ${region} already.`, { data: { region } });
  }
}

/** Throws CopyLockedError while another session copies into the region. */
export async function withCopyLock<T>(region: RepairRegion, run: () => Promise<T>): Promise<T> {
  const client: pg.PoolClient = await region.pool.connect();
  let isSound = false;
  try {
    const { rows } = await client.query<{ held: boolean }>(
      "SELECT pg_try_advisory_lock($1) AS held",
      [COPY_LOCK],
    );
    isSound = true;
    if (!rows[0]?.held) throw new CopyLockedError(region.id);
    try {
      return await run();
    } finally {
      isSound = await client.query("SELECT pg_advisory_unlock($1)", [COPY_LOCK]).then(
        () => true,
        () => false,
      );
    }
  } finally {
    client.release(!isSound);
  }
}

export type RegionDataState = "ready" | "copying" | "restored";

export async function readDataState(pool: pg.Pool): Promise<RegionDataState | null> {
  const { rows } = await pool.query<{ state: RegionDataState }>("SELECT state FROM mr.local");
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
}

/**
 * Heals a region whose database was restored from an old copy and refuses writes: what was written
 * since the restore becomes writes of a new incarnation, what the peers have is merged, and then
 * writes are taken again. Every step may be repeated after an interruption. Null: nothing to heal.
 *
 * Rows that only an absent peer has are lost to the streams: they name the former incarnation. So
 * `peers` has to be all of them; `region -- repair` mends it when that could not be.
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
    }
    // Peers may have seen beats of boots that this database does not know: they are its past too.
    const beats = await seenBeats(peers, region.id);
    const copied = await copyFrom(peers, region, onProgress);
    await region.pool.query("SELECT mr.accept_writes($1::jsonb)", [JSON.stringify(beats)]);
    const { rows } = await region.pool.query<{ incarnation: number }>(
      "SELECT incarnation FROM mr.local",
    );
    return { incarnation: rows[0]?.incarnation ?? 0, republished, copied };
  });
}

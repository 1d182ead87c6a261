import type pg from "pg";
import { MeridianError } from "@/lib/errors";
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

import type pg from "pg";

/** Taken shared by copies, and exclusively by mr.collect_tombstones. */
const COLLECTION_LOCK = [727_073, 1] as const;

/**
 * Runs a copy into a database while nothing deletes tombstones from it: an older snapshot of another
 * region would bring back the row that a tombstone kept away.
 */
export async function withoutCollection<T>(target: pg.Pool, run: () => Promise<T>): Promise<T> {
  const client = await target.connect();
  try {
    await client.query("SELECT pg_advisory_lock_shared($1, $2)", [...COLLECTION_LOCK]);
    return await run();
  } finally {
    await client.query("SELECT pg_advisory_unlock_shared($1, $2)", [...COLLECTION_LOCK]).then(
      () => client.release(),
      () => client.release(true),
    );
  }
}

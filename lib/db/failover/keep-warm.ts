import type pg from "pg";

const rehearsed = new WeakSet<pg.PoolClient>();

/**
 * Opens what is missing of so many connections, in the background; those that fail are left to the next
 * call. Over a link of 110 ms opening one takes more than a second, which a hand-over does not have. The
 * pool's `min` keeps them from being closed when they are idle.
 *
 * Each rehearses once what a hand-over does while nobody leads: done for the first time in a session, it
 * would take several times as long.
 */
export function keepWarm(pool: pg.Pool, connections: number): void {
  const missing = connections - pool.totalCount;
  if (missing <= 0) return;
  // The pool gives what is idle first, and opens others for those who ask at the same time.
  for (let n = pool.idleCount + missing; n > 0; n--) {
    pool.connect().then(rehearse, () => undefined);
  }
}

async function rehearse(client: pg.PoolClient): Promise<void> {
  if (!rehearsed.has(client)) {
    rehearsed.add(client);
    // A database that is not migrated yet knows of no rehearsal.
    await client.query("SELECT mr.rehearse()").catch(() => undefined);
  }
  client.release();
}

import type { ClientBase } from "pg";

const END_SILENT_HOLDER = `
  SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = $1::bigint::oid AND l.objsubid = 1
    AND l.granted AND a.datname = current_database()
    AND a.state_change < clock_timestamp() - interval '10 seconds'`;

/**
 * Ends the connection that holds an advisory lock and has said nothing for ten seconds: the server may take hours to
 * notice that a process is gone or frozen, and nobody else could take its place.
 */
export async function endSilentHolder(client: ClientBase, lock: number): Promise<void> {
  await client.query(END_SILENT_HOLDER, [lock]);
}

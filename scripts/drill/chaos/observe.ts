import { systemSleep } from "@/lib/clock";
import { leadingEpoch } from "@/scripts/drill/leaders";
import type { DrillRegion } from "@/scripts/drill/planet-runtime";
import type { HistoryWriter } from "./history";
import { SET_OWNER, ELEMENT } from "./workloads/set";

const LEADER_EVERY_MS = 40;
const SNAPSHOT_EVERY_MS = 1_500;

/** Notes what each region says of itself, asked past the links: that it leads, and how far it shows the others' writes. */
export async function observe(
  history: HistoryWriter,
  regions: readonly DrillRegion[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    regions.flatMap((region) => [
      watchLeader(history, region, signal),
      watchStreams(history, region, signal),
    ]),
  );
}

async function watchLeader(
  history: HistoryWriter,
  { id, pool }: DrillRegion,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const askedMs = history.nowMs();
    const epoch = await leadingEpoch(pool);
    if (epoch !== null) history.note({ type: "leader", askedMs, region: id, epoch: String(epoch) });
    await systemSleep(LEADER_EVERY_MS, signal);
  }
}

interface Seen {
  state: string;
  actor: string;
  cursors: Record<string, string>;
  /** Up to where all own transactions have ended. */
  ended: string;
  rows: [string, string, string][];
}

/**
 * All of one snapshot: a statement has one. What was written before what $1 says of its origin has been noted before; a
 * region's own rows are taken for known below its horizon, under which nothing can come any more. They count: an element
 * may be there as the region wrote it itself.
 */
const SEEN = `
  WITH cursors AS (SELECT actor, position FROM mr.cursor), shown AS (
    SELECT id AS element, origin, position FROM "User" WHERE id LIKE '${ELEMENT}-%'
    UNION ALL SELECT title, origin, position FROM "Document" WHERE "ownerId" = '${SET_OWNER}')
  SELECT l.state, mr.local_actor() AS actor,
    (SELECT coalesce(jsonb_object_agg(actor, position::text), '{}') FROM cursors) AS cursors,
    (txid_snapshot_xmin(txid_current_snapshot()) - 1)::text AS ended,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(element, origin, position::text)), '[]') FROM shown
      WHERE mr.local_actor() <> $2 OR position > coalesce(($1::jsonb ->> origin)::bigint, 0)) AS rows
  FROM mr.local l`;

async function watchStreams(
  history: HistoryWriter,
  { id, pool }: DrillRegion,
  signal: AbortSignal,
): Promise<void> {
  let known: Record<string, string> = {};
  let writesAs = "";
  while (!signal.aborted) {
    const answer = await pool
      .query<Seen>(SEEN, [JSON.stringify(known), writesAs])
      .catch(() => null);
    const seen = answer?.rows[0];
    // While rows are copied into a region they come before its cursors move.
    if (seen?.state === "ready") {
      const { actor, cursors, ended, rows } = seen;
      history.note({ type: "snapshot", region: id, actor, cursors, rows });
      known = { ...cursors, [actor]: ended };
      writesAs = actor;
    }
    await systemSleep(SNAPSHOT_EVERY_MS, signal);
  }
}

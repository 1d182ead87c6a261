import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { StrandedRecord } from "@/lib/failover-shape";
import type { Attempt } from "./attempt";
import { readAttempts } from "./history";
import type { OperatorRegion } from "./queryable";

/** Longest wait for one region's history, in ms; the others have what has ended. */
const ANSWER_MS = 2_500;

export interface Joint<T> {
  items: T[];
  /** Regions that did not answer: what only they know is not in it. */
  missing: RegionId[];
}

/** What the regions that answer know, in their order. */
async function askAll<T>(
  regions: readonly OperatorRegion[],
  ask: (region: OperatorRegion) => Promise<T[]>,
): Promise<{ lists: T[][]; missing: RegionId[] }> {
  const answers = await Promise.all(
    regions.map((region) => within(ANSWER_MS, ask(region)).catch(() => null)),
  );
  return {
    lists: answers.flatMap((list) => (list ? [list] : [])),
    missing: regions.flatMap(({ id }, index) => (answers[index] ? [] : [id])),
  };
}

/** Newest first; an attempt that several regions tell of is one, as the one that has it further says. */
export function joinHistories(lists: readonly Attempt[][], limit: number): Attempt[] {
  const byId = new Map<string, Attempt>();
  for (const attempt of lists.flat()) {
    const known = byId.get(attempt.id);
    if (!known || (known.completedAt === null && attempt.completedAt !== null)) {
      byId.set(attempt.id, attempt);
    }
  }
  return [...byId.values()]
    .sort((a, b) => Date.parse(b.requestedAt) - Date.parse(a.requestedAt))
    .slice(0, limit);
}

export async function readJointHistory(
  regions: readonly OperatorRegion[],
  limit: number,
): Promise<Joint<Attempt>> {
  const { lists, missing } = await askAll(regions, ({ db }) => readAttempts(db, limit));
  return { items: joinHistories(lists, limit), missing };
}

const SELECT_STRANDED = `SELECT actor, position::text, entity, entity_id AS "entityId",
    epoch::integer, outcome, conflict_id AS "conflictId", to_jsonb(found_at) #>> '{}' AS "foundAt"
  FROM mr.stranded_write ORDER BY found_at DESC, actor, position LIMIT $1::integer`;

/** Newest first. Each is noted in the region that led when the former leader came back. */
export async function readStranded(
  regions: readonly OperatorRegion[],
  limit: number,
): Promise<Joint<StrandedRecord>> {
  const { lists, missing } = await askAll(regions, async ({ db }) => {
    const { rows } = await db.query<StrandedRecord>(SELECT_STRANDED, [limit]);
    return rows;
  });
  const byKey = new Map(
    lists.flat().map((write) => [`${write.actor} ${write.position} ${write.entityId}`, write]),
  );
  const items = [...byKey.values()]
    .sort((a, b) => Date.parse(b.foundAt) - Date.parse(a.foundAt))
    .slice(0, limit);
  return { items, missing };
}

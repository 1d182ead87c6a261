import { systemSleep } from "@/lib/clock";
import { isDivergent, readStates, type RowStates } from "./ranges";
import type { RepairRegion, View } from "./snapshot";

/** A row of an entity with what each of the compared regions has of it. */
export interface EntityRowStates extends RowStates {
  entity: string;
}

export interface SettleOptions {
  /** Longest time that the streams may take to bring what was written before, per round. */
  catchUpMs?: number;
  /** Comparisons of a row that goes on changing. */
  rounds?: number;
}

export interface Settled {
  /** The same versions as at the look before, although everything written before that has arrived. */
  divergent: EntityRowStates[];
  /** Still being written, or the streams did not get there in time. */
  unsettled: EntityRowStates[];
  /** Streams that did not catch up, with their stalls. */
  behind: string[];
}

const POLL_MS = 50;

interface Lag {
  target: string;
  origin: string;
  stall: string | null;
}

/** Waits until every region has applied all that each of them had written when this was called. */
async function untilCaughtUp(regions: readonly RepairRegion[], timeoutMs: number): Promise<Lag[]> {
  const heads = await Promise.all(
    regions.map(async ({ pool }) => {
      const { rows } = await pool.query<{ actor: string; head: string }>(
        "SELECT mr.local_actor() AS actor, mr.last_event()::text AS head",
      );
      return rows[0] ?? { actor: "", head: "0" };
    }),
  );
  const lagsOf = async ({ id, pool }: RepairRegion): Promise<Lag[]> => {
    const { rows } = await pool.query<{ actor: string; stall: string | null }>(
      `SELECT h.actor, s.reason AS stall
       FROM unnest($1::text[], $2::bigint[]) h (actor, head)
       LEFT JOIN mr.cursor c USING (actor) LEFT JOIN mr.stall s USING (actor)
       WHERE h.actor <> mr.local_actor() AND coalesce(c.position, 0) < h.head`,
      [heads.map(({ actor }) => actor), heads.map(({ head }) => head)],
    );
    return rows.map(({ actor, stall }) => ({ target: id, origin: actor, stall }));
  };
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const lags = (await Promise.all(regions.map(lagsOf))).flat();
    const hopeless = lags.length > 0 && lags.every(({ stall }) => stall !== null);
    if (lags.length === 0 || hopeless || performance.now() > deadlineMs) return lags;
    await systemSleep(POLL_MS);
  }
}

function describe({ target, origin, stall }: Lag): string {
  return `${target} is behind ${origin}${stall === null ? "" : ` (${stall})`}`;
}

/**
 * Tells divergence from rows that were only in flight. A difference between two looks at different
 * moments proves nothing; one that is unchanged after everything written before the first look has
 * been applied everywhere does. Equal clocks with different content are divergent at once: a version
 * has one content.
 */
export async function settle(
  regions: readonly RepairRegion[],
  found: readonly EntityRowStates[],
  { catchUpMs = 15_000, rounds = 20 }: SettleOptions = {},
): Promise<Settled> {
  const views: View[] = regions.map(({ id, pool }) => ({ region: id, db: pool }));
  const divergent: EntityRowStates[] = [];
  let open = [...found];
  let behind: string[] = [];
  for (let round = 0; round < rounds && open.length > 0; round++) {
    const lags = await untilCaughtUp(regions, catchUpMs);
    behind = lags.map(describe);
    const before = new Map(open.map((row) => [`${row.entity} ${row.id}`, row]));
    const now: EntityRowStates[] = [];
    for (const entity of new Set(open.map((row) => row.entity))) {
      const ids = open.filter((row) => row.entity === entity).map(({ id }) => id);
      now.push(...(await readStates(views, entity, ids)).map((row) => ({ ...row, entity })));
    }
    open = [];
    for (const row of now.filter(({ states }) => isDivergent(states))) {
      const last = before.get(`${row.entity} ${row.id}`);
      const unchanged = row.states.every(
        (state, index) => state?.hash === last?.states[index]?.hash,
      );
      if (unchanged && (lags.length === 0 || isContentOnly(row.states))) divergent.push(row);
      else open.push(row);
    }
    if (lags.length > 0) break;
  }
  return { divergent, unsettled: open, behind };
}

/** Whether every region has the row, in the same version, and still not the same. */
export function isContentOnly(states: RowStates["states"]): boolean {
  const [first] = states;
  return (
    first !== undefined &&
    first !== null &&
    states.every((state) => state !== null && state.clock === first.clock)
  );
}

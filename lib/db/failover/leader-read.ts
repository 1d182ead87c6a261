import { isUnreachable, within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** How long to look for a region that leads, in ms. Past it the answer is not the leader's. */
const LOOK_FOR_MS = 2_000;

const PAUSE_MS = 50;

/** Then the region is read again, whatever is known of it, in ms. */
const LOOK_MS = 200;

export interface LeaderRead<T> {
  data: T;
  region: RegionId;
  client: PrismaClient;
  /** Part of the time that went by before the read that is returned. */
  waitedMs: number;
  /** The epoch that the region led from before the read until after it; null if it did not. */
  epoch: number | null;
}

/**
 * Reads the leader's state. A region that led an epoch before the read, and leads the same one after
 * it, had no other leader in between: a majority that promises a later epoch extends no lease of this
 * one any more. So the answer includes all that was acknowledged before it was asked for.
 *
 * Throws what `read` throws, and the last connection error when no leader could be reached.
 */
export async function readFromLeader<T>(
  runtime: Pick<Runtime, "state" | "clients" | "leaders" | "tendLease">,
  vantage: RegionId,
  read: (db: PrismaClient, regionId: RegionId) => Promise<T>,
  timeoutMs: number,
): Promise<LeaderRead<T>> {
  const { state, clients, leaders } = runtime;
  const startedMs = performance.now();
  let unled: LeaderRead<T> | null = null;
  let failure: unknown;
  for (let attempts = 1; ; attempts++) {
    const { region } = state.leader(vantage);
    const client = clients.write(vantage, region);
    const waitedMs = performance.now() - startedMs;
    try {
      // What was known of it at any time before will do, and costs no trip.
      const known = attempts === 1 ? state.latest(vantage, region)?.leading : null;
      const before = known ?? (await within(timeoutMs, leadingEpoch(client)));
      const data = await within(timeoutMs, read(client, region));
      const after = await within(timeoutMs, leadingEpoch(client));
      if (after !== null && after === before)
        return { data, region, client, waitedMs, epoch: after };
      unled = { data, region, client, waitedMs, epoch: null };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      state.markDown(vantage, region);
      failure = error;
    }
    runtime.tendLease(vantage);
    const patience = { backAfterMs: PAUSE_MS, timeoutMs: LOOK_MS };
    await leaders.wait(vantage, { former: region, ...patience });
    const moved = state.leader(vantage).region !== region;
    // One that hung has used up the time: its successor is asked all the same.
    if (performance.now() - startedMs >= (moved ? 3 : 1) * LOOK_FOR_MS) break;
  }
  if (unled) return unled;
  throw failure;
}

async function leadingEpoch(db: PrismaClient): Promise<number | null> {
  const rows = await db.$queryRaw<{ epoch: string | null }[]>`SELECT mr.leading()::text AS epoch`;
  const epoch = rows[0]?.epoch ?? null;
  return epoch === null ? null : Number(epoch);
}

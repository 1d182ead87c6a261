import { isUnreachable } from "@/lib/db/regions/faults";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { getLogger } from "@/lib/log";
import { repeatRolledBack } from "./repeat-rolled-back";

export interface NearestWrite<T> {
  value: T;
  /** Not the vantage where that one is down. */
  regionId: RegionId;
}

/**
 * Runs a write in the nearest region that answers. Regions known to be down are tried last: if
 * every other one fails too, what is known may be out of date.
 *
 * @param attempt must be safe to repeat in another region after an unknown outcome
 * @param residents the only regions that may have it; default all
 * @returns null where no region could be reached; any other error is thrown
 */
export async function writeNearest<T>(
  vantage: RegionId,
  attempt: (db: PrismaClient, regionId: RegionId) => Promise<T>,
  runtime: () => Runtime = defaultRuntime,
  residents?: readonly RegionId[],
): Promise<NearestWrite<T> | null> {
  const db = new MultiRegionDb(runtime, vantage);
  for (const regionId of db.regionsInOrder()) {
    if (residents?.includes(regionId) === false) continue;
    try {
      const client = db.getWriteClient(regionId);
      return { value: await repeatRolledBack(() => attempt(client, regionId)), regionId };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      // So that the next request does not wait for the same time-out.
      runtime().state.markDown(vantage, regionId);
      getLogger("writes").warn({ err: error, regionId }, "A region did not take a write.");
    }
  }
  return null;
}

import { isUnreachable } from "@/lib/db/regions/faults";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { getLogger } from "@/lib/log";

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
 * @returns null where no region could be reached; any other error is thrown
 */
export async function writeNearest<T>(
  vantage: RegionId,
  attempt: (db: PrismaClient, regionId: RegionId) => Promise<T>,
): Promise<NearestWrite<T> | null> {
  const db = multiRegionDb.from(vantage);
  for (const regionId of db.regionsInOrder()) {
    try {
      return { value: await attempt(db.getWriteClient(regionId), regionId), regionId };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      // So that the next request does not wait for the same time-out.
      defaultRuntime().state.markDown(vantage, regionId);
      getLogger("documents").warn({ err: error, regionId }, "A region did not take a write.");
    }
  }
  return null;
}

import { systemSleep, type Sleep } from "@/lib/clock";
import { isUnreachable } from "@/lib/db/regions/faults";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import { placeWrite, type Attempt } from "@/lib/db/writes/place-write";
import { repeatRolledBack } from "@/lib/db/writes/repeat-rolled-back";
import type { Route } from "@/lib/documents/acknowledge";
import { placementId } from "@/lib/residency/where-it-is";

/** How long a change waits for what it starts from before it looks for that in other regions. */
const CATCH_UP_STEPS_MS = [20, 40, 80, 160, 300];

export type PlacedContent<T> =
  { kind: "placed"; value: T; route: Route } | { kind: "unavailable"; detail: string };

export interface ContentPlace {
  contentId: string;
  /** The only regions that may have a new article. */
  residents?: readonly RegionId[] | undefined;
}

/**
 * Runs a write in the nearest region that answers and may have the article. Where that one lacks what the write
 * starts from it may only be behind: it is waited for, and then the others are asked, from near to far.
 *
 * @param lacks whether an outcome means that; the last one is returned if none has it
 */
export async function placeContent<T>(
  runtime: () => Runtime,
  vantage: RegionId,
  { contentId, residents }: ContentPlace,
  attempt: Attempt<T>,
  lacks: (value: T) => boolean,
  sleep: Sleep = systemSleep,
): Promise<PlacedContent<T>> {
  const nearest = await placeWrite("ContentItem", vantage, attempt, { runtime, residents });
  if (nearest.kind !== "placed") return { kind: "unavailable", detail: nearest.detail };
  const db = new MultiRegionDb(runtime, vantage);
  let done = nearest;
  if (lacks(nearest.value)) {
    const kept = await keptIn(db, nearest.regionId, contentId);
    if (kept !== null && !kept.includes(nearest.regionId)) {
      const there = await placeWrite("ContentItem", vantage, attempt, { runtime, residents: kept });
      if (there.kind !== "placed") return { kind: "unavailable", detail: there.detail };
      done = there;
    }
  }
  const { value, regionId, reason } = done;
  if (!lacks(value)) return { kind: "placed", value, route: { regionId, reason, waitedMs: 0 } };
  const ask = (id: RegionId) =>
    repeatRolledBack(() => attempt(db.getWriteClient(id), id)).catch(nullIfUnreachable);
  let waitedMs = 0;
  for (const step of CATCH_UP_STEPS_MS) {
    await sleep(step);
    waitedMs += step;
    const again = await ask(regionId);
    if (again !== null && !lacks(again)) {
      return { kind: "placed", value: again, route: { regionId, reason: "waited", waitedMs } };
    }
  }
  for (const other of db.regionsInOrder()) {
    if (other === regionId) continue;
    const found = await ask(other);
    if (found !== null && !lacks(found)) {
      const route: Route = { regionId: other, reason: "redirected-behind", waitedMs };
      return { kind: "placed", value: found, route };
    }
  }
  return { kind: "placed", value, route: { regionId, reason, waitedMs } };
}

/** The configured regions that may have an article, as one region knows it; null for all. */
async function keptIn(db: MultiRegionDb, region: RegionId, id: string): Promise<RegionId[] | null> {
  const placement = await db.getReadClient(region).placement.findUnique({
    where: { id: placementId({ entity: "ContentItem", id }) },
    select: { regions: true },
  });
  const kept = db.regionsInOrder().filter((known) => placement?.regions.includes(known));
  return kept.length > 0 ? kept : null;
}

function nullIfUnreachable(error: unknown): null {
  if (isUnreachable(error)) return null;
  throw error;
}

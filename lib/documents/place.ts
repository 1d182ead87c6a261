import { systemSleep, type Sleep } from "@/lib/clock";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { withReadYourWrites } from "@/lib/db/read-your-writes";
import { isUnreachable } from "@/lib/db/regions/faults";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import type { Route } from "./acknowledge";
import { documentExists } from "./queries";
import { refused, type Actor, type Refused } from "./types";
import { writeNearest } from "./write-nearest";

/*
 * Documents are multi-leader: a write is made in the nearest region that answers. Where that
 * region has not heard of the document, or of the version a change starts from, it may only be
 * behind; then the write waits or goes where they are.
 */

export const NOT_FOUND = refused(
  "not-found",
  "There is no such document, or it is not shared with you.",
);
const NOT_YET = refused(
  "behind",
  "No region within reach has all that you have seen. Nothing was saved; try again in a moment.",
);
export const NO_REGION = refused(
  "unavailable",
  "No region answered. Whether it was saved is not known: look before you try again.",
);

/** How long a change waits for its base version before it looks for it in other regions. */
const CATCH_UP_STEPS_MS = [20, 40, 80, 160, 300];

export type Attempt<R> = (db: PrismaClient, regionId: RegionId) => Promise<R>;

export interface Placed<R> {
  row: R;
  route: Route;
}

/**
 * Runs a write on an existing document. A region that knows no such document is asked again once
 * a session read, which waits or redirects, has found it.
 */
export async function place<R>(
  actor: Actor,
  documentId: string,
  attempt: Attempt<R | null>,
): Promise<Placed<R> | Refused> {
  const done = await writeNearest(actor.vantage, attempt);
  if (!done) return NO_REGION;
  if (done.value) {
    return { row: done.value, route: routeOf(actor.vantage, done.regionId) };
  }
  const found = await withReadYourWrites(
    actor.userId,
    (db) => documentExists(db, actor.userId, documentId),
    { vantage: actor.vantage, token: actor.token },
  );
  const { waitedMs, stale } = found.receipt;
  const db = multiRegionDb.from(actor.vantage);
  // A region that has all the session saw knows best; without one, each may have the document.
  const regions = found.data ? [found.regionId] : stale ? db.regionsInOrder() : [];
  for (const regionId of regions) {
    const row = await attempt(db.getWriteClient(regionId), regionId).catch(ifUnreachable);
    if (!row) continue;
    const reason = regionId === actor.vantage ? "waited" : "redirected-behind";
    return { row, route: { regionId, waitedMs, reason } };
  }
  return stale ? NOT_YET : NOT_FOUND;
}

function ifUnreachable(error: unknown): null {
  if (isUnreachable(error)) return null;
  throw error;
}

/**
 * As `place`, for a change that starts from a version: where that has not arrived, it is waited for,
 * then looked for in the other regions, from near to far.
 *
 * @param behind whether an outcome means that
 */
export async function placeFromBase<R>(
  actor: Actor,
  documentId: string,
  attempt: Attempt<R | null>,
  behind: (row: R) => boolean,
  sleep: Sleep = systemSleep,
): Promise<Placed<R> | Refused> {
  const first = await place(actor, documentId, attempt);
  if ("ok" in first || !behind(first.row)) return first;
  const here = first.route.regionId;
  const db = multiRegionDb.from(actor.vantage);
  let waitedMs = first.route.waitedMs;
  for (const step of CATCH_UP_STEPS_MS) {
    await sleep(step);
    waitedMs += step;
    const row = await attempt(db.getWriteClient(here), here).catch(ifUnreachable);
    if (row && !behind(row)) return { row, route: { regionId: here, waitedMs, reason: "waited" } };
  }
  for (const regionId of db.regionsInOrder()) {
    if (regionId === here) continue;
    const row = await attempt(db.getWriteClient(regionId), regionId).catch(ifUnreachable);
    if (row && !behind(row)) {
      return { row, route: { regionId, waitedMs, reason: "redirected-behind" } };
    }
  }
  return first;
}

export function routeOf(vantage: RegionId, regionId: RegionId): Route {
  return { regionId, waitedMs: 0, reason: regionId === vantage ? "nearest" : "redirected-down" };
}

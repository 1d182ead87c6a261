import { systemSleep, type Sleep } from "@/lib/clock";
import type { EntityType } from "@/lib/db/conflicts/entities";
import type { WriteRefusal } from "@/lib/db/failover/leader-write";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { withReadYourWrites } from "@/lib/db/read-your-writes";
import { isUnreachable } from "@/lib/db/regions/faults";
import { isLed, placeWrite, type Attempt, type PlacedWrite } from "@/lib/db/writes/place-write";
import { repeatRolledBack } from "@/lib/db/writes/repeat-rolled-back";
import { findingNothingElsewhere, readWhereItIs, residentsOf } from "@/lib/residency/where-it-is";
import type { Route } from "./acknowledge";
import { documentExists } from "./queries";
import { refused, type Actor, type Refused } from "./types";

/*
 * Where a document is written is a matter of its topology: in the nearest region that answers, or in
 * the leader. Where that region has not heard of the document, or of the version a change starts
 * from, it may only be behind; then the write waits or, unless one region leads, goes where they are.
 */

export const NOT_FOUND = refused(
  "not-found",
  "There is no such document, or it is not shared with you.",
);
const NOT_YET = refused(
  "behind",
  "No region within reach has all that you have seen. Nothing was saved; try again in a moment.",
);
const NO_REGION = refused(
  "unavailable",
  "No region answered. Whether it was saved is not known: look before you try again.",
);
const LEADER_SILENT = refused(
  "unavailable",
  "The leading region stopped answering. Whether it was saved is not known: look before you try again.",
);
const NO_LEADER = {
  "no-leader":
    "No region leads at the moment, and only a leader can save this. Nothing was saved; try again shortly.",
  "read-only":
    "The leading region has no majority of the regions behind it, so it can't save this. Nothing was saved; try again shortly.",
  unreachable: "The leading region can't be reached. Nothing was saved; try again shortly.",
} as const satisfies Record<WriteRefusal, string>;

export const LED_ELSEWHERE = refused(
  "unavailable",
  "Only the leading region can save this, and the document must not be there. Nothing was saved.",
);

/** How long a change waits for its base version before it looks for it in other regions. */
const CATCH_UP_STEPS_MS = [20, 40, 80, 160, 300];

export interface Placed<R> {
  row: R;
  route: Route;
}

/** What a person is told of a write that no region took. */
export function notPlaced(
  entityType: EntityType,
  write: Exclude<PlacedWrite<unknown>, { kind: "placed" }>,
): Refused {
  if (write.kind === "refused") return refused("unavailable", NO_LEADER[write.reason]);
  return isLed(entityType) ? LEADER_SILENT : NO_REGION;
}

/**
 * Runs a write on an existing document. A region that knows no such document is asked again once
 * a session read, which waits or redirects, has found it.
 */
export async function place<R>(
  actor: Actor,
  entityType: EntityType,
  documentId: string,
  write: Attempt<R | null>,
): Promise<Placed<R> | Refused> {
  const attempt = findingNothingElsewhere(write);
  const done = await placeWrite(entityType, actor.vantage, attempt);
  if (done.kind !== "placed") return notPlaced(entityType, done);
  if (done.value) return { row: done.value, route: routeOf(done) };
  const residents = await residentsOf(actor, { entity: "Document", id: documentId });
  if (residents?.includes(done.regionId) === false) {
    if (isLed(entityType)) return LED_ELSEWHERE;
    const there = await placeWrite(entityType, actor.vantage, attempt, { residents });
    if (there.kind !== "placed") return notPlaced(entityType, there);
    if (there.value) return { row: there.value, route: routeOf(there) };
  }
  if (residents !== null) return placeOnceMoved(actor, entityType, documentId, attempt, residents);
  const found = await withReadYourWrites(
    actor.userId,
    (db) => documentExists(db, actor.userId, documentId),
    { vantage: actor.vantage, token: actor.token },
  );
  const { waitedMs, stale } = found.receipt;
  if (isLed(entityType)) {
    if (!found.data) return stale ? NOT_YET : NOT_FOUND;
    // The leader has not got a row that another region has: it will have it in a moment.
    const again = await placeWrite(entityType, actor.vantage, attempt);
    if (again.kind !== "placed") return notPlaced(entityType, again);
    return again.value ? { row: again.value, route: routeOf(again) } : NOT_YET;
  }
  const db = multiRegionDb.from(actor.vantage);
  // A region that has all the session saw knows best; without one, each may have the document.
  const regions = found.data ? [found.regionId] : stale ? db.regionsInOrder() : [];
  for (const regionId of regions) {
    const row = await repeatRolledBack(() => attempt(db.getWriteClient(regionId), regionId)).catch(
      ifUnreachable,
    );
    if (!row) continue;
    const reason = regionId === actor.vantage ? "waited" : "redirected-behind";
    return { row, route: { regionId, waitedMs, reason } };
  }
  return stale ? NOT_YET : NOT_FOUND;
}

/** How long a change waits for a document that is on its way to where it is kept from now on. */
const MOVING_STEPS_MS = [50, 100, 200, 400, 800];

async function placeOnceMoved<R>(
  actor: Actor,
  entityType: EntityType,
  documentId: string,
  attempt: Attempt<R | null>,
  residents: readonly RegionId[],
): Promise<Placed<R> | Refused> {
  const { data } = await readWhereItIs(
    actor,
    { entity: "Document", id: documentId },
    async (db) => ({ found: await documentExists(db, actor.userId, documentId) }),
    ({ found }) => found !== null,
  );
  if (!data.found) return NOT_FOUND;
  for (const step of MOVING_STEPS_MS) {
    await systemSleep(step);
    const there = await placeWrite(entityType, actor.vantage, attempt, { residents });
    if (there.kind !== "placed") return notPlaced(entityType, there);
    if (there.value) return { row: there.value, route: routeOf(there) };
  }
  return NOT_YET;
}

function ifUnreachable(error: unknown): null {
  if (isUnreachable(error)) return null;
  throw error;
}

/**
 * As `place`, for a change of a document that starts from a version: where that has not arrived, it is
 * waited for, then looked for in the other regions, from near to far.
 *
 * @param behind whether an outcome means that
 */
export async function placeFromBase<R>(
  actor: Actor,
  documentId: string,
  write: Attempt<R | null>,
  behind: (row: R) => boolean,
  sleep: Sleep = systemSleep,
): Promise<Placed<R> | Refused> {
  const attempt = findingNothingElsewhere(write);
  const first = await place(actor, "Document", documentId, attempt);
  if ("ok" in first || !behind(first.row)) return first;
  const led = isLed("Document");
  const here = first.route.regionId;
  const db = multiRegionDb.from(actor.vantage);
  let waitedMs = first.route.waitedMs;
  for (const step of CATCH_UP_STEPS_MS) {
    await sleep(step);
    waitedMs += step;
    if (led) {
      const again = await placeWrite("Document", actor.vantage, attempt);
      if (again.kind !== "placed") return notPlaced("Document", again);
      if (again.value && !behind(again.value)) {
        return { row: again.value, route: { ...routeOf(again), waitedMs } };
      }
      continue;
    }
    const row = await repeatRolledBack(() => attempt(db.getWriteClient(here), here)).catch(
      ifUnreachable,
    );
    if (row && !behind(row)) return { row, route: { regionId: here, waitedMs, reason: "waited" } };
  }
  for (const regionId of led ? [] : db.regionsInOrder()) {
    if (regionId === here) continue;
    const row = await repeatRolledBack(() => attempt(db.getWriteClient(regionId), regionId)).catch(
      ifUnreachable,
    );
    if (row && !behind(row)) {
      return { row, route: { regionId, waitedMs, reason: "redirected-behind" } };
    }
  }
  return first;
}

export function routeOf({
  regionId,
  waitedMs,
  reason,
}: Extract<PlacedWrite<unknown>, { kind: "placed" }>): Route {
  return { regionId, waitedMs, reason };
}

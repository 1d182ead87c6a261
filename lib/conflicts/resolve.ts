import { systemSleep, type Sleep } from "@/lib/clock";
import {
  resolveConflict as decide,
  type Resolution,
  type ResolveOutcome,
  type WriteText,
} from "@/lib/db/conflicts/resolve-conflict";
import type { EntityType } from "@/lib/db/conflicts/entities";
import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import { isUnreachable } from "@/lib/db/regions/faults";
import { findWritableEntity, type WritableType } from "@/lib/db/conflicts/writable-entities";
import { multiRegionDb } from "@/lib/db/multi-region-config";
import { isLed, placeWrite, type Attempt } from "@/lib/db/writes/place-write";
import { repeatRolledBack } from "@/lib/db/writes/repeat-rolled-back";
import { acknowledge, type Route } from "@/lib/documents/acknowledge";
import { notPlaced, routeOf } from "@/lib/documents/place";
import { refused, type Written } from "@/lib/documents/types";
import { updateDocument } from "@/lib/documents/write";
import { readConflict } from "./read";
import type { Choice, ConflictReader, ConflictView, ResolveRefusal } from "./types";
import { complaintAbout, type ResolveInput } from "./validation";

export interface Resolved {
  id: string;
  choice: Choice;
  /** The clock of the version that was written. */
  clock: VectorClock;
}

/** How long a decision waits for a region to get all that was shown, in ms. */
const CATCH_UP_STEPS_MS = [20, 40, 80, 160, 300];

/**
 * Decides a conflict on behalf of a reader, who must be allowed to see it: an administrator, or the
 * owner of the document. A decision that did not know of what the field holds now is refused as
 * `stale`, with that.
 */
export async function resolveConflict(
  reader: ConflictReader,
  input: ResolveInput,
  sleep: Sleep = systemSleep,
): Promise<Written<Resolved> | ResolveRefusal> {
  const started = performance.now();
  const { value: conflict, receipt } = await readConflict(reader, input.id);
  if (!conflict) {
    return receipt.stale
      ? refused("behind", "The conflict may not be here yet. Try again in a moment.")
      : refused("not-found", "There is no such conflict, or it is not yours to decide.");
  }
  const complaint = complaintIn(conflict, input);
  if (complaint !== null) return refused("invalid", complaint, { fields: { value: complaint } });
  const entityType = writtenAs(conflict);
  const attempt: Attempt<ResolveOutcome> = (db) => {
    const leader = () => (isLed(entityType) ? db : null);
    const writeText = textWriter(reader);
    return decide(input.id, toResolution(input), reader.userId, { db, leader, writeText });
  };
  const first = await placeWrite(entityType, reader.vantage, attempt);
  if (first.kind !== "placed") return notPlaced(entityType, first);
  const placed = { outcome: first.value, route: routeOf(first) };
  const { outcome, route } = await untilShown(reader, entityType, placed, attempt, sleep);
  switch (outcome.kind) {
    case "resolved": {
      const { mark, choice, clock } = outcome;
      const event = { entityType, entityId: conflict.entityId, ...mark };
      return acknowledge(reader, started, route, event, { id: input.id, choice, clock });
    }
    case "stale":
      return {
        ok: false,
        code: "stale",
        message: "It was changed after you opened this page. Nothing was decided yet.",
        state: outcome.state,
      };
    case "behind":
      return refused(
        "behind",
        "No region within reach has all that you were shown. Nothing was decided; try again in a moment.",
      );
    case "invalid":
      return refused("invalid", outcome.message, { fields: { value: outcome.message } });
    case "not-found":
      return refused("not-found", "What the conflict is about is not known in this region.");
    default:
      return outcome satisfies never;
  }
}

function toResolution(input: ResolveInput): Resolution {
  const { shown } = input;
  return "take" in input
    ? { take: input.take, shown }
    : { choice: input.choice, value: input.value, shown };
}

function complaintIn(conflict: ConflictView, input: ResolveInput): string | null {
  if ("take" in input) return null;
  return complaintAbout(conflict.entityType, conflict.field, input.value);
}

/** A decision is written in one transaction with the row that it is about, and so where that is. */
function writtenAs({ entityType }: ConflictView): WritableType | "ConflictResolution" {
  return findWritableEntity(entityType) ? (entityType as WritableType) : "ConflictResolution";
}

interface Placed {
  outcome: ResolveOutcome;
  route: Route;
}

/** The conflict was read, so a region that does not know it, or its row, lacks something too. */
const lacks = ({ kind }: ResolveOutcome) => kind === "behind" || kind === "not-found";

/**
 * A region that lacks something that was shown is waited for, then the others are asked, unless one
 * region leads.
 */
async function untilShown(
  reader: ConflictReader,
  entityType: EntityType,
  first: Placed,
  attempt: Attempt<ResolveOutcome>,
  sleep: Sleep,
): Promise<Placed> {
  let { outcome, route } = first;
  const led = isLed(entityType);
  const db = multiRegionDb.from(reader.vantage);
  for (const step of CATCH_UP_STEPS_MS) {
    if (!lacks(outcome)) return { outcome, route };
    await sleep(step);
    route = { ...route, waitedMs: route.waitedMs + step };
    if (led) {
      const again = await placeWrite(entityType, reader.vantage, attempt);
      if (again.kind !== "placed") continue;
      outcome = again.value;
      route = { ...routeOf(again), waitedMs: route.waitedMs };
    } else {
      const { regionId } = first.route;
      outcome =
        (await repeatRolledBack(() => attempt(db.getWriteClient(regionId), regionId)).catch(
          ifUnreachable,
        )) ?? outcome;
    }
  }
  for (const regionId of lacks(outcome) && !led ? db.regionsInOrder() : []) {
    if (regionId === first.route.regionId) continue;
    const other = await repeatRolledBack(() =>
      attempt(db.getWriteClient(regionId), regionId),
    ).catch(ifUnreachable);
    if (other && !lacks(other)) {
      return { outcome: other, route: { ...route, regionId, reason: "redirected-behind" } };
    }
  }
  return { outcome, route };
}

function ifUnreachable(error: unknown): null {
  if (isUnreachable(error)) return null;
  throw error;
}

/** A document's text is merged by its updates, and by whoever may edit the document. */
function textWriter(reader: ConflictReader): WriteText {
  return async (documentId, content, base) => {
    const outcome = await updateDocument(reader, { documentId, content, baseVersion: base });
    if (outcome.ok) {
      const { clock, origin, position } = outcome.value;
      return { kind: "written", clock, mark: { origin, position: BigInt(position) } };
    }
    return { kind: outcome.code === "conflict" ? "stale" : "refused" };
  };
}

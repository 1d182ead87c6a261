import { randomUUID } from "node:crypto";
import { systemSleep, type Sleep } from "@/lib/clock";
import type { WriteEvent } from "@/lib/db/geo-replication";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { withReadYourWrites } from "@/lib/db/read-your-writes";
import { isUnreachable } from "@/lib/db/regions/faults";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { acknowledge, type Route } from "./acknowledge";
import { findDocumentRow } from "./queries";
import {
  insertDocument,
  tombstoneCollaborator,
  tombstoneDocument,
  updateDocumentRow,
  upsertCollaborator,
  type ChangedRow,
  type UpdateRow,
} from "./statements";
import {
  refused,
  type Actor,
  type CollaboratorRole,
  type DocumentClock,
  type DocumentRow,
  type Refused,
  type WriteOutcome,
} from "./types";
import { toDocumentRow } from "./views";
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
const NO_REGION = refused(
  "unavailable",
  "No region answered. Whether it was saved is not known: look before you try again.",
);

/** How long a change waits for its base version before it looks for it in other regions. */
const CATCH_UP_STEPS_MS = [20, 40, 80, 160, 300];

type Attempt<R> = (db: PrismaClient, regionId: RegionId) => Promise<R>;

interface Placed<R> {
  row: R;
  route: Route;
}

export async function createDocument(
  actor: Actor,
  input: { title: string; content: string },
): Promise<WriteOutcome<DocumentRow>> {
  const started = performance.now();
  const ids = { documentId: randomUUID(), versionId: randomUUID() };
  const done = await writeNearest(actor.vantage, (db, regionId) =>
    insertDocument(db, { ...ids, ...input, userId: actor.userId, regionId }),
  );
  if (!done) return NO_REGION;
  const route = routeOf(actor.vantage, done.regionId);
  return acknowledge(actor, started, route, documentEvent(done.value), toDocumentRow(done.value));
}

/**
 * Changes a document that still is at `baseVersion`.
 *
 * @returns a refusal `conflict` with the current version where it is not
 */
export async function updateDocument(
  actor: Actor,
  input: {
    documentId: string;
    title?: string | undefined;
    content?: string | undefined;
    baseVersion: DocumentClock;
  },
  sleep: Sleep = systemSleep,
): Promise<WriteOutcome<DocumentRow>> {
  const started = performance.now();
  const versionId = randomUUID();
  const attempt: Attempt<UpdateRow | null> = (db, regionId) =>
    updateDocumentRow(db, {
      userId: actor.userId,
      regionId,
      versionId,
      documentId: input.documentId,
      title: input.title,
      content: input.content,
      baseVersion: input.baseVersion,
    });
  const first = await place(actor, input.documentId, attempt);
  if ("ok" in first) return first;
  const placed = needsBase(first.row) ? await whereBaseIs(actor, first, attempt, sleep) : first;
  const { row, route } = placed;
  if (!row.readable) return NOT_FOUND;
  if (!row.writable) {
    return refused("forbidden", "You can read this document, but only an editor can change it.");
  }
  if (row.changed) {
    const event = documentEvent(row.changed);
    return acknowledge(actor, started, route, event, toDocumentRow(row.changed));
  }
  if (row.order === "before") {
    return refused(
      "behind",
      "The version you started from has not reached any region that answers. Nothing was saved; try again in a moment.",
    );
  }
  return conflict(actor, route.regionId, row);
}

export async function deleteDocument(
  actor: Actor,
  documentId: string,
): Promise<WriteOutcome<{ id: string }>> {
  const started = performance.now();
  const placed = await place(actor, documentId, (db) =>
    tombstoneDocument(db, { userId: actor.userId, documentId }),
  );
  if ("ok" in placed) return placed;
  const mark = ownedChange(placed.row, "Only the owner can delete a document.");
  if ("ok" in mark) return mark;
  const event = documentEvent({ id: documentId, ...mark });
  return acknowledge(actor, started, placed.route, event, { id: documentId });
}

export async function shareDocument(
  actor: Actor,
  input: { documentId: string; email: string; role: CollaboratorRole },
): Promise<WriteOutcome<{ userId: string; name: string | null; role: CollaboratorRole }>> {
  const started = performance.now();
  const share = (known?: { userId: string; name: string }) =>
    place(actor, input.documentId, (db) =>
      upsertCollaborator(db, { userId: actor.userId, ...input, known }),
    );
  let placed = await share();
  if ("ok" in placed) return placed;
  if (placed.row.owned && placed.row.userId === null) {
    // Accounts are made in the leading region; this one may be newer than what has arrived here.
    const account = await leadingAccount(actor.vantage, input.email);
    if (account) placed = await share(account);
    if ("ok" in placed) return placed;
  }
  const { row, route } = placed;
  if (row.owned && !row.changed) {
    return row.userId === null
      ? refused("invalid", "Nobody has an account with that e-mail address.", {
          fields: { email: "Nobody has an account with that e-mail address." },
        })
      : refused("invalid", "You own this document already.", {
          fields: { email: "That is you." },
        });
  }
  const mark = ownedChange(row, "Only the owner can share a document.");
  if ("ok" in mark) return mark;
  const userId = row.userId ?? "";
  const event = collaboratorEvent(input.documentId, userId, mark);
  return acknowledge(actor, started, route, event, { userId, name: row.name, role: input.role });
}

/** Takes a collaborator off a document: the owner anyone, a collaborator themselves. */
export async function unshareDocument(
  actor: Actor,
  input: { documentId: string; userId: string },
): Promise<WriteOutcome<{ userId: string }>> {
  const started = performance.now();
  const placed = await place(actor, input.documentId, (db) =>
    tombstoneCollaborator(db, {
      userId: actor.userId,
      documentId: input.documentId,
      collaboratorId: input.userId,
    }),
  );
  if ("ok" in placed) return placed;
  const { row, route } = placed;
  if (row.readable && !row.owned && input.userId !== actor.userId) {
    return refused("forbidden", "Only the owner can remove a collaborator.");
  }
  if (row.readable && !row.changed) {
    return refused("not-found", "That person is not a collaborator of this document.");
  }
  const mark = markOf(row);
  if (!row.readable || !mark) return NOT_FOUND;
  const event = collaboratorEvent(input.documentId, input.userId, mark);
  return acknowledge(actor, started, route, event, { userId: input.userId });
}

/**
 * Runs a write on an existing document. A region that knows no such document is asked again once
 * a session read, which waits or redirects, has found it.
 */
async function place<R>(
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
    (db) => findDocumentRow(db, actor.userId, documentId),
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

function needsBase(row: UpdateRow): boolean {
  return row.writable && !row.changed && row.order === "before";
}

/** Waits for the base version here, then looks for it in the other regions, from near to far. */
async function whereBaseIs(
  actor: Actor,
  first: Placed<UpdateRow>,
  attempt: Attempt<UpdateRow | null>,
  sleep: Sleep,
): Promise<Placed<UpdateRow>> {
  const here = first.route.regionId;
  const db = multiRegionDb.from(actor.vantage);
  let waitedMs = first.route.waitedMs;
  for (const step of CATCH_UP_STEPS_MS) {
    await sleep(step);
    waitedMs += step;
    const row = await attempt(db.getWriteClient(here), here).catch(ifUnreachable);
    if (row && !needsBase(row))
      return { row, route: { regionId: here, waitedMs, reason: "waited" } };
  }
  for (const regionId of db.regionsInOrder()) {
    if (regionId === here) continue;
    const row = await attempt(db.getWriteClient(regionId), regionId).catch(ifUnreachable);
    if (row && !needsBase(row)) {
      return { row, route: { regionId, waitedMs, reason: "redirected-behind" } };
    }
  }
  return first;
}

/** The row a caller lost to. A statement that waited for a lock has only seen what came before. */
async function conflict(actor: Actor, regionId: RegionId, row: UpdateRow): Promise<Refused> {
  const raced = row.order === "equal";
  const db = multiRegionDb.from(actor.vantage).getWriteClient(regionId);
  const current = raced ? await findDocumentRow(db, actor.userId, row.current.id) : row.current;
  if (!current) return NOT_FOUND;
  return refused(
    "conflict",
    "This document was changed after you opened it. Nothing of yours was saved yet.",
    { current: toDocumentRow(current) },
  );
}

async function leadingAccount(
  vantage: RegionId,
  email: string,
): Promise<{ userId: string; name: string } | undefined> {
  const row = await multiRegionDb
    .from(vantage)
    .getWriteClient()
    .user.findFirst({ where: { email, deletedAt: null }, select: { id: true, name: true } })
    .catch(() => null);
  return row ? { userId: row.id, name: row.name } : undefined;
}

function routeOf(vantage: RegionId, regionId: RegionId): Route {
  return { regionId, waitedMs: 0, reason: regionId === vantage ? "nearest" : "redirected-down" };
}

type Mark = Pick<WriteEvent, "origin" | "position">;

function documentEvent({ id, origin, position }: Mark & { id: string }): WriteEvent {
  return { entityType: "Document", entityId: id, origin, position };
}

function collaboratorEvent(documentId: string, userId: string, mark: Mark): WriteEvent {
  return { entityType: "Collaborator", entityId: `${documentId}:${userId}`, ...mark };
}

function markOf(row: ChangedRow): Mark | null {
  return row.origin !== null && row.position !== null
    ? { origin: row.origin, position: row.position }
    : null;
}

function ownedChange(row: ChangedRow, message: string): Mark | Refused {
  if (!row.readable) return NOT_FOUND;
  if (!row.owned) return refused("forbidden", message);
  return markOf(row) ?? NOT_FOUND;
}

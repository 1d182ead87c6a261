import { randomUUID } from "node:crypto";
import type { WriteEvent } from "@/lib/db/geo-replication";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { placeWrite } from "@/lib/db/writes/place-write";
import { storedForms } from "@/lib/residency/addresses";
import { placementBy } from "@/lib/residency/placements";
import { findingNothingElsewhere } from "@/lib/residency/where-it-is";
import { acknowledge, documentEvent } from "./acknowledge";
import { LED_ELSEWHERE, NOT_FOUND, notPlaced, place, routeOf } from "./place";
import {
  insertDocument,
  tombstoneCollaborator,
  tombstoneDocument,
  upsertCollaborator,
  type ChangedRow,
} from "./statements";
import {
  refused,
  type Actor,
  type CollaboratorRole,
  type DocumentRow,
  type Refused,
  type WriteOutcome,
} from "./types";
import { toDocumentRow } from "./views";

export { NOT_FOUND } from "./place";
export { updateDocument } from "./text/update-document";
export { sendTextUpdate } from "./text/send-update";

export async function createDocument(
  actor: Actor,
  input: { title: string; content: string; residency?: string | undefined },
): Promise<WriteOutcome<DocumentRow>> {
  const started = performance.now();
  const { title, content, residency } = input;
  const ids = { documentId: randomUUID(), versionId: randomUUID() };
  const placement = residency === undefined ? undefined : placementBy("Document", residency);
  if (placement && "ok" in placement) return placement;
  const row = { ...ids, title, content, placement, userId: actor.userId };
  const insert = findingNothingElsewhere((db: PrismaClient, regionId: RegionId) =>
    insertDocument(db, { ...row, regionId }),
  );
  const done = await placeWrite("Document", actor.vantage, insert, {
    residents: placement?.regions,
  });
  if (done.kind !== "placed") return notPlaced("Document", done);
  if (!done.value) return LED_ELSEWHERE;
  const { value } = done;
  return acknowledge(actor, started, routeOf(done), documentEvent(value), toDocumentRow(value));
}

export async function deleteDocument(
  actor: Actor,
  documentId: string,
): Promise<WriteOutcome<{ id: string }>> {
  const started = performance.now();
  const placed = await place(
    actor,
    "Document",
    documentId,
    knowingRepeats((db, again) =>
      tombstoneDocument(db, { userId: actor.userId, documentId, again }),
    ),
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
  const { documentId, email, role } = input;
  const addresses = storedForms(email);
  const share = (known?: { userId: string; name: string }) =>
    place(actor, "Collaborator", documentId, (db) =>
      upsertCollaborator(db, { userId: actor.userId, documentId, addresses, role, known }),
    );
  let placed = await share();
  if ("ok" in placed) return placed;
  if (placed.row.owned && placed.row.userId === null) {
    // Accounts are made in the leading region; this one may be newer than what has arrived here.
    const account = await leadingAccount(actor.vantage, addresses);
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
  const event = collaboratorEvent(documentId, userId, mark);
  return acknowledge(actor, started, route, event, { userId, name: row.name, role });
}

/** Takes a collaborator off a document: the owner anyone, a collaborator themselves. */
export async function unshareDocument(
  actor: Actor,
  input: { documentId: string; userId: string },
): Promise<WriteOutcome<{ userId: string }>> {
  const started = performance.now();
  const placed = await place(
    actor,
    "Collaborator",
    input.documentId,
    knowingRepeats((db, again) =>
      tombstoneCollaborator(db, {
        userId: actor.userId,
        documentId: input.documentId,
        collaboratorId: input.userId,
        again,
      }),
    ),
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

/** Tells an attempt whether an earlier one was sent and not answered: it may have done the same. */
function knowingRepeats<T>(
  attempt: (db: PrismaClient, again: boolean) => Promise<T>,
): (db: PrismaClient) => Promise<T> {
  let unanswered = false;
  return async (db) => {
    const again = unanswered;
    unanswered = true;
    const answer = await attempt(db, again);
    unanswered = false;
    return answer;
  };
}

async function leadingAccount(
  vantage: RegionId,
  addresses: string[],
): Promise<{ userId: string; name: string } | undefined> {
  const row = await multiRegionDb
    .from(vantage)
    .getWriteClient()
    .user.findFirst({
      where: { email: { in: addresses }, deletedAt: null },
      select: { id: true, name: true },
    })
    .catch(() => null);
  return row ? { userId: row.id, name: row.name } : undefined;
}

type Mark = Pick<WriteEvent, "origin" | "position">;

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

"use server";

import type { Receipt } from "@/lib/db/read-your-writes";
import { readDocument, type DocumentPage } from "@/lib/documents/read";
import {
  type Actor,
  type CollaboratorRole,
  type DocumentClock,
  type DocumentRow,
  type Refused,
  type UpdatedDocument,
  type WriteOutcome,
} from "@/lib/documents/types";
import {
  check,
  createInput,
  documentInput,
  residencyInput,
  shareInput,
  textInput,
  unshareInput,
  updateInput,
  type Checked,
} from "@/lib/documents/validation";
import type { SentUpdate } from "@/lib/documents/text/send-update";
import * as placement from "@/lib/documents/change-residency";
import type { PlacementRule } from "@/lib/residency/placements";
import * as write from "@/lib/documents/write";
import { act, currentActor } from "@/app/actor";

/*
 * Everything a signed-in person can do with documents. Arguments are untrusted: an action is an
 * endpoint. Who acts is read from the session, never from an argument. Expected outcomes are
 * values; only faults are thrown.
 */

type Result<K extends string, T> = ({ ok: true; receipt: Receipt } & Record<K, T>) | Refused;

export async function getDocument(documentId: string): Promise<Result<"page", DocumentPage>> {
  const input = check(documentInput, { documentId });
  if (!input.ok) return input;
  const actor = await currentActor();
  if ("ok" in actor) return actor;
  const { value, receipt } = await readDocument(actor, input.value.documentId);
  return value ? { ok: true, page: value, receipt } : write.NOT_FOUND;
}

/** @param input.residency a configured place to keep it in; without one it is in every region */
export async function createDocument(input: {
  title: string;
  content: string;
  residency?: string;
}): Promise<Result<"document", DocumentRow>> {
  return named("document", check(createInput, input), write.createDocument);
}

/**
 * Changes what is given, starting from the version with clock `baseVersion`. What others changed
 * since is merged by each field's strategy; the result says what came of it.
 */
export async function updateDocument(
  documentId: string,
  changes: {
    title?: string;
    summary?: string;
    content?: string;
    /** Null, as anything that is no clock, is refused. */
    baseVersion: DocumentClock | null;
    /** Saves a version even where nothing changes. */
    saveVersion?: boolean;
  },
): Promise<Result<"document", UpdatedDocument>> {
  const input = check(updateInput, { ...changes, documentId });
  return named("document", input, (actor, value) => write.updateDocument(actor, value));
}

/**
 * Merges a text, line by line, with what the document has become since `baseVersion`. Where the same
 * lines were changed both are kept and the result is `flagged`.
 *
 * @param baseVersion the vector clock of the version that the change starts from
 */
export async function updateDocumentContent(
  documentId: string,
  content: string,
  baseVersion: DocumentClock,
): Promise<Result<"document", UpdatedDocument>> {
  const input = check(updateInput, { documentId, content, baseVersion });
  return named("document", input, (actor, value) => write.updateDocument(actor, value));
}

/**
 * Adds an edit of the live editor to the text. Sending it again is harmless.
 *
 * @param update a Yjs update in base64
 */
export async function sendTextUpdate(
  documentId: string,
  update: string,
): Promise<Result<"sent", SentUpdate>> {
  const input = check(textInput, { documentId, update });
  return named("sent", input, (actor, value) => write.sendTextUpdate(actor, value));
}

export async function deleteDocument(
  documentId: string,
): Promise<Result<"deleted", { id: string }>> {
  return named("deleted", check(documentInput, { documentId }), (actor, value) =>
    write.deleteDocument(actor, value.documentId),
  );
}

/** Gives the account with this address a role on the document. */
export async function shareDocument(
  documentId: string,
  email: string,
  role: CollaboratorRole,
): Promise<
  Result<"collaborator", { userId: string; name: string | null; role: CollaboratorRole }>
> {
  return named("collaborator", check(shareInput, { documentId, email, role }), write.shareDocument);
}

export async function unshareDocument(
  documentId: string,
  userId: string,
): Promise<Result<"removed", { userId: string }>> {
  return named("removed", check(unshareInput, { documentId, userId }), write.unshareDocument);
}

/** Says where a document is kept; null is every region. */
export async function changeResidency(
  documentId: string,
  residency: string | null,
): Promise<Result<"placement", PlacementRule>> {
  return named(
    "placement",
    check(residencyInput, { documentId, residency }),
    placement.changeResidency,
  );
}

async function named<K extends string, I, T>(
  key: K,
  input: Checked<I>,
  operation: (actor: Actor, input: I) => Promise<WriteOutcome<T>>,
): Promise<Result<K, T>> {
  const done = await act(input, operation);
  if (!done.ok) return done;
  return { ok: true, [key]: done.value, receipt: done.receipt } as Result<K, T>;
}

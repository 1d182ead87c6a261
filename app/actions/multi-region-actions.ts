"use server";

import type { Receipt } from "@/lib/db/read-your-writes";
import { readDocument, type DocumentPage } from "@/lib/documents/read";
import {
  refused,
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
  shareInput,
  textInput,
  unshareInput,
  updateInput,
  type Checked,
} from "@/lib/documents/validation";
import type { SentUpdate } from "@/lib/documents/text/send-update";
import * as write from "@/lib/documents/write";
import { getRequestContext, keepToken } from "@/lib/request-context";

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

export async function createDocument(input: {
  title: string;
  content: string;
}): Promise<Result<"document", DocumentRow>> {
  return act("document", check(createInput, input), write.createDocument);
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
    baseVersion: DocumentClock;
    /** Saves a version even where nothing changes. */
    saveVersion?: boolean;
  },
): Promise<Result<"document", UpdatedDocument>> {
  const input = check(updateInput, { ...changes, documentId });
  return act("document", input, (actor, value) => write.updateDocument(actor, value));
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
  return act("document", input, (actor, value) => write.updateDocument(actor, value));
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
  return act("sent", input, (actor, value) => write.sendTextUpdate(actor, value));
}

export async function deleteDocument(
  documentId: string,
): Promise<Result<"deleted", { id: string }>> {
  return act("deleted", check(documentInput, { documentId }), (actor, value) =>
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
  return act("collaborator", check(shareInput, { documentId, email, role }), write.shareDocument);
}

export async function unshareDocument(
  documentId: string,
  userId: string,
): Promise<Result<"removed", { userId: string }>> {
  return act("removed", check(unshareInput, { documentId, userId }), write.unshareDocument);
}

async function currentActor(): Promise<Actor | Refused> {
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refused("unauthenticated", "Your session has ended. Sign in again.");
  return { userId: user.userId, vantage, token };
}

async function act<K extends string, I, T>(
  key: K,
  input: Checked<I>,
  operation: (actor: Actor, input: I) => Promise<WriteOutcome<T>>,
): Promise<Result<K, T>> {
  const actor = await currentActor();
  if ("ok" in actor) return actor;
  if (!input.ok) return input;
  const outcome = await operation(actor, input.value);
  if (!outcome.ok) return outcome;
  await keepToken(outcome.open);
  return { ok: true, [key]: outcome.value, receipt: outcome.receipt } as Result<K, T>;
}

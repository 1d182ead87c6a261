"use server";

import { redirect } from "next/navigation";
import type { FormState } from "@/components/documents/form-state";
import type {
  CollaboratorRole,
  DocumentClock,
  Refused,
  UpdatedDocument,
} from "@/lib/documents/types";
import { check, contentInput } from "@/lib/documents/validation";
import { flashReceipt } from "@/lib/request-context";
import {
  createDocument,
  deleteDocument,
  shareDocument,
  unshareDocument,
  updateDocument,
} from "./multi-region-actions";

/* The forms' side of the actions: form data in, what the form shows next out. */

export async function createDocumentForm(_: FormState, form: FormData): Promise<FormState> {
  const result = await createDocument({ title: text(form, "title"), content: body(form) });
  if (!result.ok) return toState(result, form);
  const path = `/documents/${result.document.id}`;
  await flashReceipt({ path, message: "Created.", receipt: result.receipt });
  redirect(path);
}

export async function saveDocumentForm(_: FormState, form: FormData): Promise<FormState> {
  const live = text(form, "live") === "1";
  if (live) {
    // The editor has sent the text itself. It is only looked at, so that no empty version is saved.
    const typed = check(contentInput, { content: body(form) });
    if (!typed.ok) return toState(typed, form);
  }
  const result = await updateDocument(text(form, "documentId"), {
    ...changed(form, "title"),
    ...changed(form, "summary"),
    ...(live ? {} : { content: body(form) }),
    baseVersion: clock(form),
    saveVersion: true,
  });
  if (!result.ok) return toState(result, form);
  return {
    status: "done",
    message: "Saved.",
    detail: describeMerge(result.document),
    receipt: result.receipt,
  };
}

export async function restoreVersionForm(_: FormState, form: FormData): Promise<FormState> {
  const documentId = text(form, "documentId");
  const result = await updateDocument(documentId, {
    ...changed(form, "title"),
    ...changed(form, "summary"),
    content: body(form),
    baseVersion: clock(form),
    saveVersion: true,
  });
  if (!result.ok) return toState(result, form);
  const path = `/documents/${documentId}`;
  const detail = describeMerge(result.document);
  const message = detail ? `Restored. ${detail}` : "Restored.";
  await flashReceipt({ path, message, receipt: result.receipt });
  redirect(path);
}

export async function deleteDocumentForm(_: FormState, form: FormData): Promise<FormState> {
  const result = await deleteDocument(text(form, "documentId"));
  if (!result.ok) return toState(result, form);
  await flashReceipt({ path: "/documents", message: "Deleted.", receipt: result.receipt });
  redirect("/documents");
}

export async function shareDocumentForm(_: FormState, form: FormData): Promise<FormState> {
  const result = await shareDocument(
    text(form, "documentId"),
    text(form, "email"),
    text(form, "role") as CollaboratorRole,
  );
  if (!result.ok) return toState(result, form);
  const who = result.collaborator.name ?? text(form, "email");
  return {
    status: "done",
    message: `Shared with ${who} as ${result.collaborator.role}.`,
    receipt: result.receipt,
  };
}

export async function unshareDocumentForm(_: FormState, form: FormData): Promise<FormState> {
  const result = await unshareDocument(text(form, "documentId"), text(form, "userId"));
  if (!result.ok) return toState(result, form);
  if (text(form, "leaving") === "1") {
    await flashReceipt({
      path: "/documents",
      message: "You left the document.",
      receipt: result.receipt,
    });
    redirect("/documents");
  }
  return { status: "done", message: "Removed.", receipt: result.receipt };
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

/** Browsers send a textarea's line ends as CRLF, whatever was typed or loaded into it. */
function body(form: FormData): string {
  return text(form, "content").replaceAll("\r\n", "\n");
}

/**
 * A field that is not as the form showed it. One that is was not changed here, and sending it would
 * undo what somebody else made of it since.
 */
function changed(form: FormData, name: "title" | "summary"): { [key: string]: string } {
  const value = text(form, name);
  if (!form.has(name)) return {};
  return form.has(`shown-${name}`) && text(form, `shown-${name}`) === value
    ? {}
    : { [name]: value };
}

function describeMerge(document: UpdatedDocument): string | undefined {
  if (document.flagged) {
    return "Somebody changed the same lines: both are in the text, between <<<<<<< and >>>>>>>.";
  }
  if (document.conflicts.length > 0) {
    return "Somebody changed it at the same time. Every version is kept, under Conflicts.";
  }
  return document.merged ? "Merged with what others wrote meanwhile." : undefined;
}

/** Whatever was sent: the action's schema decides whether it is a clock. */
function clock(form: FormData): DocumentClock {
  try {
    return JSON.parse(text(form, "baseVersion")) as DocumentClock;
  } catch {
    return null as unknown as DocumentClock;
  }
}

function toState(result: Refused, form: FormData): FormState {
  const values: Record<string, string> = {};
  for (const name of ["title", "summary", "content", "email", "role"]) {
    if (form.has(name)) values[name] = name === "content" ? body(form) : text(form, name);
  }
  return {
    status: "refused",
    code: result.code,
    message: result.message,
    fields: result.fields ?? {},
    values,
    current: result.current,
  };
}

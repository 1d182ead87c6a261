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
  changeResidency,
  createDocument,
  deleteDocument,
  shareDocument,
  unshareDocument,
  updateDocument,
} from "./multi-region-actions";
import { has, lines, text } from "./form-text";
import { placedText } from "./placed-text";

/* The forms' side of the actions: form data in, what the form shows next out. */

export async function createDocumentForm(_: FormState, form: FormData): Promise<FormState> {
  const residency = text(form, "residency");
  const result = await createDocument({
    title: text(form, "title"),
    content: lines(form, "content"),
    ...(residency === "" ? {} : { residency }),
  });
  if (!result.ok) return toState(result, form);
  const path = `/documents/${result.document.id}`;
  await flashReceipt({ path, message: "Created.", receipt: result.receipt });
  redirect(path);
}

export async function saveDocumentForm(_: FormState, form: FormData): Promise<FormState> {
  const live = text(form, "live") === "1";
  if (live) {
    // The editor has sent the text itself. It is only looked at, so that no empty version is saved.
    const typed = check(contentInput, { content: lines(form, "content") });
    if (!typed.ok) return toState(typed, form);
  }
  const result = await updateDocument(text(form, "documentId"), {
    ...changed(form, "title"),
    ...changed(form, "summary"),
    ...(live ? {} : { content: lines(form, "content") }),
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
    content: lines(form, "content"),
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

export async function changeResidencyForm(_: FormState, form: FormData): Promise<FormState> {
  const result = await changeResidency(text(form, "documentId"), text(form, "residency") || null);
  if (!result.ok) return toState(result, form);
  const { placement, receipt } = result;
  return { status: "done", message: placedText(placement), receipt };
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

/**
 * A field that is not as the form showed it. One that is was not changed here, and sending it would
 * undo what somebody else made of it since.
 */
function changed(form: FormData, name: "title" | "summary"): { [key: string]: string } {
  const value = text(form, name);
  if (!has(form, name)) return {};
  return has(form, `shown-${name}`) && text(form, `shown-${name}`) === value
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
function clock(form: FormData): DocumentClock | null {
  try {
    return JSON.parse(text(form, "baseVersion")) as DocumentClock | null;
  } catch {
    return null;
  }
}

function toState(result: Refused, form: FormData): FormState {
  const values: Record<string, string> = {};
  for (const name of ["title", "summary", "content", "email", "role", "residency"]) {
    if (has(form, name))
      values[name] = name === "content" ? lines(form, "content") : text(form, name);
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

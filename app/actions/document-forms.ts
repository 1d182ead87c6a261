"use server";

import { redirect } from "next/navigation";
import type { FormState } from "@/components/documents/form-state";
import type { CollaboratorRole, DocumentClock, Refused } from "@/lib/documents/types";
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
  const result = await updateDocument(text(form, "documentId"), {
    title: text(form, "title"),
    content: body(form),
    baseVersion: clock(form),
  });
  if (!result.ok) return toState(result, form);
  return { status: "done", message: "Saved.", receipt: result.receipt };
}

export async function restoreVersionForm(_: FormState, form: FormData): Promise<FormState> {
  const documentId = text(form, "documentId");
  const result = await updateDocument(documentId, {
    title: text(form, "title"),
    content: body(form),
    baseVersion: clock(form),
  });
  if (!result.ok) return toState(result, form);
  const path = `/documents/${documentId}`;
  await flashReceipt({ path, message: "Restored.", receipt: result.receipt });
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
  for (const name of ["title", "content", "email", "role"]) {
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

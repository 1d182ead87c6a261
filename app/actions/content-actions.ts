"use server";

import { revalidateTag } from "next/cache";
import { redirect } from "next/navigation";
import { publishedContent } from "@/app/content/published";
import type { FormState } from "@/components/documents/form-state";
import type { SyncState } from "@/components/content/sync-state";
import { multiRegionCms, type ForcedSync } from "@/lib/cms/content-sync";
import * as edit from "@/lib/cms/edit";
import { contentTag } from "@/lib/cms/published";
import { readContent } from "@/lib/cms/read";
import type { ContentRow } from "@/lib/cms/types";
import {
  articleResidencyInput,
  createContentInput,
  forceSyncInput,
  moveContentInput,
  updateContentInput,
} from "@/lib/cms/validation";
import { isActor, parseRegionIdOf, regionOfActor } from "@/lib/db/regions/region-id";
import { isUnreachable } from "@/lib/db/regions/faults";
import { REGIONS } from "@/lib/db/multi-region-config";
import type { Receipt } from "@/lib/db/read-your-writes";
import { refused, type Actor, type Refused, type WriteOutcome } from "@/lib/documents/types";
import { check, type Checked } from "@/lib/documents/validation";
import type { PlacementRule } from "@/lib/residency/placements";
import { act } from "@/app/actor";
import { flashReceipt, getRequestContext } from "@/lib/request-context";
import { has, lines, text } from "./form-text";
import { placedText } from "./placed-text";

/*
 * Writing articles. Arguments are untrusted: an action is an endpoint. Who acts is read from the session, and
 * whether they may is asked of the database with the write.
 */

type Done = { ok: true; content: ContentRow; receipt: Receipt } | Refused;

export async function createContent(sent: unknown): Promise<Done> {
  return acted(check(createContentInput, sent), edit.createContent);
}

/** `{ contentId, baseVersion, title?, body? }`. What was changed since the base version is not overwritten. */
export async function updateContent(sent: unknown): Promise<Done> {
  return acted(check(updateContentInput, sent), edit.updateContent);
}

/** `{ contentId, baseVersion, move, publishAt?, versionId? }`: submits, publishes, schedules, restores, … */
export async function moveContent(sent: unknown): Promise<Done> {
  return acted(check(moveContentInput, sent), edit.moveContent);
}

/** `{ contentId, residency }`: says where an article is kept; null is every region. */
export async function changeArticleResidency(
  sent: unknown,
): Promise<{ ok: true; placement: PlacementRule; receipt: Receipt } | Refused> {
  const done = await act(check(articleResidencyInput, sent), edit.changeArticleResidency);
  return done.ok ? { ok: true, placement: done.value, receipt: done.receipt } : done;
}

/** Sends an article and its history from a region to all others once more; for administrators. */
export async function forceSyncContent(
  sent: unknown,
): Promise<{ ok: true; done: ForcedSync } | Refused> {
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refused("unauthenticated", "Your session has ended. Sign in again.");
  if (user.role !== "admin") return refused("forbidden", "This is for administrators.");
  const input = check(forceSyncInput, sent);
  if (!input.ok) return input;
  const { contentId, sourceRegion } = input.value;
  const actor = { userId: user.userId, vantage, token };
  if (!(await readContent(actor, contentId)).value) return edit.NO_ARTICLE;
  try {
    const done = await multiRegionCms.forceSyncContent(contentId, sourceRegion);
    // What this process keeps of that region's articles is read again too.
    revalidateTag(contentTag(sourceRegion));
    publishedContent().looks.hint(sourceRegion);
    return { ok: true, done };
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return refused("unavailable", "That region does not answer. What was sent of it is not known.");
  }
}

/* The forms' side: form data in, what the form shows next out. */

export async function createContentForm(_: FormState, form: FormData): Promise<FormState> {
  const residency = text(form, "residency");
  const result = await createContent({
    slug: text(form, "slug"),
    title: text(form, "title"),
    body: lines(form, "body"),
    ...(residency === "" ? {} : { residency }),
  });
  if (!result.ok) return toState(result, form);
  const path = `/content/manage/${result.content.id}`;
  await flashReceipt({ path, message: "Created.", receipt: result.receipt });
  redirect(path);
}

export async function saveContentForm(_: FormState, form: FormData): Promise<FormState> {
  const result = await updateContent({
    contentId: text(form, "contentId"),
    baseVersion: clock(form),
    ...changed(form, "title", text(form, "title")),
    ...changed(form, "body", lines(form, "body")),
  });
  if (!result.ok) return toState(result, form);
  const { undecided } = result.content;
  return {
    status: "done",
    message: "Saved.",
    detail:
      undecided.length > 0
        ? "Somebody changed it at the same time. Both versions are kept, under Conflicts."
        : undefined,
    receipt: result.receipt,
  };
}

export async function moveContentForm(_: FormState, form: FormData): Promise<FormState> {
  const contentId = text(form, "contentId");
  const move = text(form, "move");
  // A field of the browser has no zone: it is read as UTC, which is what its label says.
  const at = text(form, "publishAt");
  const result = await moveContent({
    contentId,
    baseVersion: clock(form),
    move,
    ...(move === "schedule" ? { publishAt: at && `${at.length === 16 ? `${at}:00` : at}Z` } : {}),
    ...(move === "restore" ? { versionId: text(form, "versionId") } : {}),
  });
  if (!result.ok) return toState(result, form);
  const path = `/content/manage/${contentId}`;
  await flashReceipt({ path, message: "Done.", receipt: result.receipt });
  redirect(path);
}

export async function changeArticleResidencyForm(_: FormState, form: FormData): Promise<FormState> {
  const result = await changeArticleResidency({
    contentId: text(form, "contentId"),
    residency: text(form, "residency") || null,
  });
  if (!result.ok) return toState(result, form);
  const { placement, receipt } = result;
  return { status: "done", message: placedText(placement), receipt };
}

export async function forceSyncForm(_: SyncState, form: FormData): Promise<SyncState> {
  const result = await forceSyncContent({
    contentId: text(form, "contentId"),
    sourceRegion: text(form, "sourceRegion"),
  });
  return result.ok
    ? { status: "done", done: result.done }
    : { status: "refused", message: result.message };
}

async function acted<I>(
  input: Checked<I>,
  operation: (actor: Actor, input: I) => Promise<WriteOutcome<ContentRow>>,
): Promise<Done> {
  const done = await act(input, operation);
  if (!done.ok) return done;
  const { origin } = done.value;
  // This process knows of it first; that region's worker tells the others.
  if (isActor(origin)) {
    const ids = REGIONS.map(({ id }) => id);
    publishedContent().looks.hint(parseRegionIdOf(ids, regionOfActor(origin)));
  }
  return { ok: true, content: done.value, receipt: done.receipt };
}

/** A field that is as the form showed it was not changed here: sent, it would undo what somebody else wrote. */
function changed(form: FormData, name: "title" | "body", value: string): Record<string, string> {
  return lines(form, `shown-${name}`) === value ? {} : { [name]: value };
}

/** Whatever was sent: the schema decides whether it is a clock. */
function clock(form: FormData): unknown {
  try {
    return JSON.parse(text(form, "baseVersion"));
  } catch {
    return null;
  }
}

function toState({ code, message, fields = {} }: Refused, form: FormData): FormState {
  const values: Record<string, string> = {};
  for (const name of ["slug", "title", "body", "publishAt", "residency"]) {
    if (has(form, name)) values[name] = lines(form, name);
  }
  return { status: "refused", code, message, fields, values };
}

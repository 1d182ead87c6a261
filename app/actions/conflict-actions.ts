"use server";

import { redirect } from "next/navigation";
import type { ConflictFormState } from "@/components/conflicts/form-state";
import { resolveConflict, type Resolved } from "@/lib/conflicts/resolve";
import type { ResolveRefusal } from "@/lib/conflicts/types";
import { resolveInput } from "@/lib/conflicts/validation";
import { mergeClocks, parseClock } from "@/lib/db/conflicts/vector-clock";
import type { Receipt } from "@/lib/db/read-your-writes";
import { refused } from "@/lib/documents/types";
import { flashReceipt, getRequestContext, keepToken } from "@/lib/request-context";
import { has, lines, text } from "./form-text";

/**
 * Decides a conflict. The argument is untrusted: `{ id, take }` or `{ id, choice, value }`, and
 * optionally `shown`. Who decides is the session's user: an administrator, or the document's owner.
 */
export async function decideConflict(
  sent: unknown,
): Promise<{ ok: true; resolved: Resolved; receipt: Receipt } | ResolveRefusal> {
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refused("unauthenticated", "Your session has ended. Sign in again.");
  const input = resolveInput.safeParse(sent);
  if (!input.success) {
    return refused("invalid", input.error.issues[0]?.message ?? "That is no decision.");
  }
  const reader = { userId: user.userId, admin: user.role === "admin", vantage, token };
  const outcome = await resolveConflict(reader, input.data);
  if (!outcome.ok) return outcome;
  await keepToken(outcome.open, user);
  return { ok: true, resolved: outcome.value, receipt: outcome.receipt };
}

/** The form's side: which button was pressed says what is decided. */
export async function decideConflictForm(
  _: ConflictFormState,
  form: FormData,
): Promise<ConflictFormState> {
  const id = text(form, "conflictId");
  const shown = parse(text(form, "shown"));
  const typed = has(form, "value") ? lines(form, "value") : null;
  const value = text(form, "as") === "json" ? parse(typed ?? "") : typed;
  const result = await decideConflict(
    has(form, "take")
      ? { id, take: Number(text(form, "take")), shown }
      : { id, choice: "edited", value, shown },
  );
  if (result.ok) {
    const path = text(form, "page") === "admin" ? `/admin/conflicts/${id}` : `/conflicts/${id}`;
    await flashReceipt({ path, message: "Decided.", receipt: result.receipt });
    redirect(path);
  }
  if (result.code === "stale") {
    const { message, state } = result;
    const joined = mergeClocks(parseClock(shown) ?? {}, state.clock);
    const { versions } = state;
    return { status: "stale", message, versions, shown: JSON.stringify(joined), value: typed };
  }
  return { status: "refused", code: result.code, message: result.message, value: typed };
}

/** Undefined for what is no JSON: the schema says what is wrong with it. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

"use server";

import { act } from "@/app/actor";
import type { FormState } from "@/components/documents/form-state";
import { changeAccountResidency } from "@/lib/auth/change-account-residency";
import { keepSession, renameInPublic } from "@/lib/auth/session";
import { signOutEverywhere } from "@/lib/auth/sign-out-everywhere";
import { refused } from "@/lib/documents/types";
import { accountResidencyInput, check } from "@/lib/documents/validation";
import { text } from "./form-text";
import { placedText } from "./placed-text";

const SOMEBODY_ELSE = refused(
  "invalid",
  "Somebody else has signed in meanwhile. Load the page again.",
);

/** Says where the name and the address of whoever is signed in are kept; nothing is every region. */
export async function changeAccountResidencyForm(_: FormState, form: FormData): Promise<FormState> {
  const residency = text(form, "residency");
  const done = await act(
    check(accountResidencyInput, { residency: residency || null }),
    changeAccountResidency,
  );
  if (!done.ok) {
    const { code, message, fields = {} } = done;
    return { status: "refused", code, message, fields, values: { residency } };
  }
  const { value, receipt } = done;
  await renameInPublic(value.publicName);
  return { status: "done", message: placedText(value), receipt };
}

/** Ends all sessions of whoever is signed in but this one. The form names the account that its page was made for. */
export async function signOutEverywhereForm(_: FormState, form: FormData): Promise<FormState> {
  const account = text(form, "account");
  const done = await act({ ok: true, value: account }, async (actor, meant) => {
    if (meant !== actor.userId) return SOMEBODY_ELSE;
    const outcome = await signOutEverywhere(actor);
    if (outcome.ok) await keepSession(actor.userId, outcome.value.accountEpoch);
    return outcome;
  });
  if (!done.ok) {
    return { status: "refused", code: done.code, message: done.message, fields: {}, values: {} };
  }
  return { status: "done", message: "All other sessions are ended.", receipt: done.receipt };
}

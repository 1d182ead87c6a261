"use server";

import { act } from "@/app/actor";
import type { FormState } from "@/components/documents/form-state";
import { changeAccountResidency } from "@/lib/auth/change-account-residency";
import { renameInPublic } from "@/lib/auth/session";
import { accountResidencyInput, check } from "@/lib/documents/validation";
import { text } from "./form-text";
import { placedText } from "./placed-text";

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

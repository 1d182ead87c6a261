"use client";

import { useActionState } from "react";
import { signOutEverywhereForm } from "@/app/actions/account-actions";
import { IDLE } from "@/components/documents/form-state";
import { Refusal } from "@/components/documents/refusal";
import { WriteDone } from "@/components/documents/write-done";
import { SubmitButton } from "@/components/ui/submit-button";

/** @param account the id of whoever is signed in */
export function SignOutEverywhere({ account }: { account: string }) {
  const [state, action] = useActionState(signOutEverywhereForm, IDLE);
  return (
    <form action={action} className="space-y-3">
      <input type="hidden" name="account" value={account} />
      <Refusal state={state} />
      <SubmitButton variant="plain" pendingLabel="Ending them">
        Sign out everywhere else
      </SubmitButton>
      <WriteDone state={state} />
    </form>
  );
}

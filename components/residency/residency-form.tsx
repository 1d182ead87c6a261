"use client";

import Link from "next/link";
import { useActionState } from "react";
import { changeAccountResidencyForm } from "@/app/actions/account-actions";
import { changeArticleResidencyForm } from "@/app/actions/content-actions";
import { changeResidencyForm } from "@/app/actions/document-forms";
import { fieldError, IDLE, type FormState } from "@/components/documents/form-state";
import { Refusal } from "@/components/documents/refusal";
import { WriteDone } from "@/components/documents/write-done";
import { SubmitButton } from "@/components/ui/submit-button";
import type { PlacedEntity, Subject } from "@/lib/residency/where-it-is";
import { PlaceField, type Place } from "./place-field";

interface ResidencyAction {
  /** The field that has the id. */
  field: string;
  act: (state: FormState, form: FormData) => Promise<FormState>;
}

const ACTIONS: Readonly<Record<PlacedEntity, ResidencyAction>> = {
  Document: { field: "documentId", act: changeResidencyForm },
  ContentItem: { field: "contentId", act: changeArticleResidencyForm },
  // Whoever is signed in; the id is not looked at.
  User: { field: "userId", act: changeAccountResidencyForm },
};

/** For the owner: where a document or an article may be. */
export function ResidencyForm({
  subject,
  places,
  residency,
}: {
  subject: Subject;
  places: readonly Place[];
  residency: string | null;
}) {
  const { field, act } = ACTIONS[subject.entity];
  const [state, action] = useActionState(act, IDLE);
  return (
    <form action={action} className="space-y-3">
      <input type="hidden" name={field} value={subject.id} />
      <PlaceField
        places={places}
        defaultValue={residency ?? ""}
        error={fieldError(state, "residency")}
      />
      <Refusal state={state} known={["residency"]} />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <SubmitButton variant="plain" pendingLabel="Moving">
          Keep it there
        </SubmitButton>
        <Link
          href={`/residency#${subject.id}`}
          prefetch={false}
          className="text-sm text-accent underline underline-offset-2"
        >
          Where it is now
        </Link>
      </div>
      <WriteDone state={state} />
    </form>
  );
}

"use client";

import Link from "next/link";
import { useActionState } from "react";
import { changeResidencyForm } from "@/app/actions/document-forms";
import { SubmitButton } from "@/components/ui/submit-button";
import { fieldError, IDLE } from "./form-state";
import { PlaceField, type Place } from "./place-field";
import { Refusal } from "./refusal";
import { WriteDone } from "./write-done";

/** For the owner: where a document may be. */
export function Residency({
  documentId,
  places,
  residency,
}: {
  documentId: string;
  places: readonly Place[];
  residency: string | null;
}) {
  const [state, action] = useActionState(changeResidencyForm, IDLE);
  return (
    <form action={action} className="space-y-3">
      <input type="hidden" name="documentId" value={documentId} />
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
          href={`/residency#${documentId}`}
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

"use client";

import { useActionState } from "react";
import { deleteDocumentForm } from "@/app/actions/document-forms";
import { buttonClass } from "@/components/ui/button";
import { SubmitButton } from "@/components/ui/submit-button";
import { IDLE } from "./form-state";
import { Refusal } from "./refusal";

/** Two steps without a dialog, so that it needs no JavaScript. */
export function DeleteDocument({ documentId }: { documentId: string }) {
  const [state, action] = useActionState(deleteDocumentForm, IDLE);
  return (
    <details className="group">
      <summary className={buttonClass("danger", "cursor-pointer list-none group-open:hidden")}>
        Delete document
      </summary>
      <form action={action} className="space-y-3">
        <input type="hidden" name="documentId" value={documentId} />
        <p className="text-sm">It disappears in every region, for everyone it is shared with.</p>
        <SubmitButton variant="danger" pendingLabel="Deleting">
          Delete it
        </SubmitButton>
        <Refusal state={state} />
      </form>
    </details>
  );
}

"use client";

import { useActionState } from "react";
import { restoreVersionForm } from "@/app/actions/document-forms";
import { SubmitButton } from "@/components/ui/submit-button";
import type { DocumentRow, VersionView } from "@/lib/documents/types";
import { IDLE } from "./form-state";
import { Refusal } from "./refusal";

/** Saves an older state as a new version on top of the one shown. */
export function RestoreVersion({
  document,
  version,
}: {
  document: Pick<DocumentRow, "id" | "clock" | "title" | "summary">;
  version: VersionView;
}) {
  const [state, action] = useActionState(restoreVersionForm, IDLE);
  return (
    <form action={action} className="space-y-2">
      <input type="hidden" name="documentId" value={document.id} />
      <input type="hidden" name="baseVersion" value={JSON.stringify(document.clock)} />
      <input type="hidden" name="shown-title" value={document.title} />
      <input type="hidden" name="title" value={version.title} />
      <input type="hidden" name="shown-summary" value={document.summary} />
      <input type="hidden" name="summary" value={version.summary} />
      <textarea name="content" defaultValue={version.content} hidden readOnly />
      <SubmitButton variant="plain" className="h-8" pendingLabel="Restoring">
        Restore this version
      </SubmitButton>
      <Refusal state={state} />
    </form>
  );
}

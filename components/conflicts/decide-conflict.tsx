"use client";

import { useActionState } from "react";
import { decideConflictForm } from "@/app/actions/conflict-actions";
import { TextArea } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { SubmitButton } from "@/components/ui/submit-button";
import { valueText } from "./conflict-text";
import { IDLE } from "./form-state";

export interface DecisionOption {
  label: string;
  /** What taking it does, for the button. */
  action: string;
}

/**
 * Take one of the versions, or write another. Everything that is decided is on top of `shown`; if
 * the field holds something else by then, that is shown and the next press knows of it.
 */
export function DecideConflict({
  id,
  page,
  shown,
  options,
  edit,
}: {
  id: string;
  page: "admin" | "owner";
  /** The joined clock of what the page shows, as JSON. */
  shown: string;
  options: DecisionOption[];
  /** The text to begin with; null where there is nothing to write, as for a deletion. */
  edit: { value: string; as: "text" | "json" } | null;
}) {
  const [state, action] = useActionState(decideConflictForm, IDLE);
  const stale = state.status === "stale" ? state : null;
  const typed = state.status === "idle" ? null : state.value;
  return (
    <form action={action} className="space-y-5" noValidate>
      {/* Not "id": a field of that name hides the form's own, and the pressed button gets lost. */}
      <input type="hidden" name="conflictId" value={id} />
      <input type="hidden" name="page" value={page} />
      <input type="hidden" name="shown" value={stale?.shown ?? shown} />
      {edit ? <input type="hidden" name="as" value={edit.as} /> : null}
      {state.status === "refused" ? (
        <Notice tone={state.code === "behind" ? "warn" : "bad"} title="Not decided." live>
          {state.message}
        </Notice>
      ) : null}
      {stale ? (
        <Notice tone="warn" title="Somebody was quicker." live>
          <p>{stale.message} It now holds:</p>
          {stale.versions.map((version) => (
            <pre
              key={`${version.origin} ${version.count}`}
              tabIndex={0}
              aria-label={`What it holds, from ${version.origin}`}
              className="mt-2 max-h-60 overflow-auto font-sans break-words whitespace-pre-wrap"
            >
              {valueText(version.value) || "nothing"}
            </pre>
          ))}
          <p className="mt-2">Decide again to replace that.</p>
        </Notice>
      ) : null}
      <div className="flex flex-wrap gap-2" role="group" aria-label="Take a version">
        {options.map((option, index) => (
          <SubmitButton key={option.label} variant="plain" name="take" value={index}>
            {option.action}
          </SubmitButton>
        ))}
      </div>
      {edit ? (
        <details open={typed !== null && typed !== edit.value} className="group">
          <summary className="cursor-pointer text-sm text-accent underline underline-offset-2">
            Write something else
          </summary>
          <div className="mt-3 space-y-3">
            <TextArea
              key={typed ?? ""}
              label={edit.as === "json" ? "Columns, as JSON" : "What it shall be"}
              name="value"
              className="[&_textarea]:min-h-40"
              defaultValue={typed ?? edit.value}
            />
            <SubmitButton name="choice" value="edited" pendingLabel="Saving">
              Save this
            </SubmitButton>
          </div>
        </details>
      ) : null}
    </form>
  );
}

"use client";

import { useActionState, type ReactNode } from "react";
import {
  discardDeadLetters,
  editDeadLetters,
  retryDeadLetters,
} from "@/app/actions/dead-letter-actions";
import { buttonClass } from "@/components/ui/button";
import { TextArea, TextField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { SubmitButton } from "@/components/ui/submit-button";
import type { DecisionState } from "./form-state";

/** The row that a decision is about, and the newest event that was shown. */
export interface DecisionTarget {
  region: string;
  entity: string;
  entityId: string;
  lastId: string;
}

export function RetryForm({ target }: { target: DecisionTarget }) {
  const [state, action] = useActionState<DecisionState, FormData>(retryDeadLetters, null);
  return (
    <DecisionForm action={action} state={state} target={target}>
      <p className="text-sm text-muted">
        Applies the events in order, and stops at the first that fails.
      </p>
      <SubmitButton pendingLabel="Retrying">Retry now</SubmitButton>
    </DecisionForm>
  );
}

export function EditForm({ target, values }: { target: DecisionTarget; values: string }) {
  const [state, action] = useActionState<DecisionState, FormData>(editDeadLetters, null);
  return (
    <DecisionForm action={action} state={state} target={target}>
      <TextArea
        label="The row, with all its events"
        name="values"
        key={state?.typed ?? values}
        defaultValue={state?.typed ?? values}
        error={state?.field === "values" ? state.message : undefined}
        hint="Change what keeps it from being applied. It becomes a new version of the row, in every region."
        spellCheck={false}
        className="[&_textarea]:font-mono [&_textarea]:text-xs"
      />
      <SubmitButton pendingLabel="Writing">Edit and retry</SubmitButton>
    </DecisionForm>
  );
}

/** Two steps without a dialog, so that it needs no JavaScript. */
export function DiscardForm({
  target,
  word,
  consequence,
}: {
  target: DecisionTarget;
  word: string;
  consequence: string;
}) {
  const [state, action] = useActionState<DecisionState, FormData>(discardDeadLetters, null);
  return (
    <details className="group" open={state !== null || undefined}>
      <summary className={buttonClass("danger", "cursor-pointer list-none group-open:hidden")}>
        Discard the events
      </summary>
      <DecisionForm action={action} state={state} target={target}>
        <p className="text-sm">{consequence}</p>
        <TextField
          label={`Type “${word}” to confirm`}
          name="confirmation"
          autoComplete="off"
          error={state?.field === "confirmation" ? state.message : undefined}
        />
        <SubmitButton variant="danger" pendingLabel="Discarding">
          Discard them
        </SubmitButton>
      </DecisionForm>
    </details>
  );
}

function DecisionForm({
  action,
  state,
  target,
  children,
}: {
  action: (form: FormData) => void;
  state: DecisionState;
  target: DecisionTarget;
  children: ReactNode;
}) {
  return (
    <form action={action} className="space-y-3" noValidate>
      {Object.entries(target).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      {state && !state.field ? (
        <Notice tone="bad" live>
          {state.message}
        </Notice>
      ) : null}
      {children}
    </form>
  );
}

"use client";

import { useActionState } from "react";
import { shareDocumentForm, unshareDocumentForm } from "@/app/actions/document-forms";
import { TextField } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import type { CollaboratorView } from "@/lib/documents/types";
import { fieldError, IDLE, typed } from "./form-state";
import { Refusal } from "./refusal";
import { WriteDone } from "./write-done";

export function Sharing({
  documentId,
  collaborators,
}: {
  documentId: string;
  collaborators: CollaboratorView[];
}) {
  const [state, action] = useActionState(shareDocumentForm, IDLE);
  const role = typed(state, "role") ?? "viewer";
  return (
    <div className="space-y-4">
      {collaborators.length === 0 ? (
        <p className="text-sm text-muted">Only you can see this document.</p>
      ) : (
        <ul className="divide-y divide-line text-sm">
          {collaborators.map((person) => (
            <Collaborator key={person.userId} documentId={documentId} person={person} />
          ))}
        </ul>
      )}
      <form action={action} className="space-y-3" noValidate>
        <input type="hidden" name="documentId" value={documentId} />
        <TextField
          label="Share with"
          name="email"
          type="email"
          autoComplete="off"
          placeholder="name@example.com"
          defaultValue={typed(state, "email")}
          error={fieldError(state, "email")}
        />
        <fieldset className="flex gap-4 text-sm">
          <legend className="sr-only">Role</legend>
          {(["viewer", "editor"] as const).map((value) => (
            <label key={value} className="flex items-center gap-1.5">
              <input
                type="radio"
                name="role"
                value={value}
                defaultChecked={role === value}
                className="accent-accent"
              />
              {value === "viewer" ? "Can view" : "Can edit"}
            </label>
          ))}
        </fieldset>
        <Refusal state={state} known={["email"]} />
        <SubmitButton variant="plain" pendingLabel="Sharing">
          Share
        </SubmitButton>
        <WriteDone state={state} />
      </form>
    </div>
  );
}

function Collaborator({ documentId, person }: { documentId: string; person: CollaboratorView }) {
  const [state, action] = useActionState(unshareDocumentForm, IDLE);
  const [changed, change] = useActionState(shareDocumentForm, IDLE);
  const name = person.name ?? "Unknown account";
  const other = person.role === "viewer" ? "editor" : "viewer";
  const label = other === "editor" ? "Let edit" : "View only";
  return (
    <li className="py-2">
      <div className="flex flex-wrap items-center gap-x-1 gap-y-1.5">
        <span className="min-w-0 flex-1 basis-32">
          <span className="block truncate">{name}</span>
          <span className="block truncate text-xs text-muted">
            {person.email ?? "address not known in this region"} · {person.role}
          </span>
        </span>
        {/* Sharing once more is how a role is changed; it is by address. */}
        {person.email ? (
          <form action={change}>
            <input type="hidden" name="documentId" value={documentId} />
            <input type="hidden" name="email" value={person.email} />
            <input type="hidden" name="role" value={other} />
            <SubmitButton variant="quiet" className="h-8" aria-label={`${label}: ${name}`}>
              {label}
            </SubmitButton>
          </form>
        ) : null}
        <form action={action}>
          <input type="hidden" name="documentId" value={documentId} />
          <input type="hidden" name="userId" value={person.userId} />
          <SubmitButton variant="quiet" className="h-8" aria-label={`Remove ${name}`}>
            Remove
          </SubmitButton>
        </form>
      </div>
      <Refusal state={state} />
      <Refusal state={changed} />
    </li>
  );
}

/** For a collaborator: off the document, which only its owner can undo. */
export function LeaveDocument({ documentId, userId }: { documentId: string; userId: string }) {
  const [state, action] = useActionState(unshareDocumentForm, IDLE);
  return (
    <form action={action} className="space-y-3">
      <input type="hidden" name="documentId" value={documentId} />
      <input type="hidden" name="userId" value={userId} />
      <input type="hidden" name="leaving" value="1" />
      <SubmitButton variant="plain">Leave this document</SubmitButton>
      <Refusal state={state} />
    </form>
  );
}

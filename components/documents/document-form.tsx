"use client";

import Link from "next/link";
import { useActionState } from "react";
import { createDocumentForm, saveDocumentForm } from "@/app/actions/document-forms";
import { buttonClass } from "@/components/ui/button";
import { TextArea, TextField } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import { CONTENT_MAX, TITLE_MAX, type DocumentRow } from "@/lib/documents/types";
import { CurrentVersion } from "./current-version";
import { fieldError, IDLE, typed } from "./form-state";
import { Refusal } from "./refusal";
import { WriteDone } from "./write-done";

const FIELDS = ["title", "content"] as const;

export function NewDocumentForm() {
  const [state, action] = useActionState(createDocumentForm, IDLE);
  return (
    <form action={action} className="max-w-3xl space-y-5" noValidate>
      <Refusal state={state} known={FIELDS} />
      <TextField
        label="Title"
        name="title"
        autoComplete="off"
        maxLength={TITLE_MAX}
        defaultValue={typed(state, "title")}
        error={fieldError(state, "title")}
      />
      <TextArea
        label="Content"
        name="content"
        maxLength={CONTENT_MAX}
        defaultValue={typed(state, "content")}
        error={fieldError(state, "content")}
      />
      <div className="flex gap-2">
        <SubmitButton pendingLabel="Creating">Create document</SubmitButton>
        <Link href="/documents" className={buttonClass("quiet")}>
          Cancel
        </Link>
      </div>
    </form>
  );
}

/** Sends the clock it was rendered with; a save on top of another one is refused and shows both. */
export function EditDocumentForm({ document }: { document: DocumentRow }) {
  const [state, action] = useActionState(saveDocumentForm, IDLE);
  const conflict = state.status === "refused" ? state.current : undefined;
  const base = conflict ?? document;
  return (
    <form action={action} className="space-y-5" noValidate>
      <Refusal state={state} known={FIELDS} />
      {conflict ? <CurrentVersion current={conflict} /> : null}
      <input type="hidden" name="documentId" value={document.id} />
      <input type="hidden" name="baseVersion" value={JSON.stringify(base.clock)} />
      <TextField
        label="Title"
        name="title"
        autoComplete="off"
        maxLength={TITLE_MAX}
        defaultValue={typed(state, "title") ?? document.title}
        error={fieldError(state, "title")}
      />
      <TextArea
        label={conflict ? "Your text" : "Content"}
        name="content"
        maxLength={CONTENT_MAX}
        className="[&_textarea]:min-h-96"
        defaultValue={typed(state, "content") ?? document.content}
        error={fieldError(state, "content")}
      />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <SubmitButton pendingLabel="Saving">
          {conflict ? "Replace it with your text" : "Save"}
        </SubmitButton>
        {conflict ? (
          <a href={`/documents/${document.id}`} className={buttonClass("plain")}>
            Keep theirs
          </a>
        ) : null}
        <WriteDone state={state} />
      </div>
    </form>
  );
}

"use client";

import Link from "next/link";
import { useActionState } from "react";
import { createDocumentForm } from "@/app/actions/document-forms";
import { PlaceField, type Place } from "@/components/residency/place-field";
import { buttonClass } from "@/components/ui/button";
import { TextArea, TextField } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import { CONTENT_MAX, TITLE_MAX } from "@/lib/documents/types";
import { fieldError, IDLE, typed } from "./form-state";
import { Refusal } from "./refusal";

const FIELDS = ["title", "content", "residency"] as const;

export function NewDocumentForm({ places }: { places: readonly Place[] }) {
  const [state, action] = useActionState(createDocumentForm, IDLE);
  return (
    <form action={action} className="max-w-3xl space-y-5" data-shortcut="save" noValidate>
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
      <PlaceField
        places={places}
        defaultValue={typed(state, "residency") ?? ""}
        error={fieldError(state, "residency")}
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

"use client";

import { useActionState } from "react";
import { createContentForm, saveContentForm } from "@/app/actions/content-actions";
import { fieldError, IDLE, typed } from "@/components/documents/form-state";
import { Refusal } from "@/components/documents/refusal";
import { WriteDone } from "@/components/documents/write-done";
import { PlaceField, type Place } from "@/components/residency/place-field";
import { TextArea, TextField } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import { BODY_MAX, SLUG_MAX, TITLE_MAX, type ContentRow } from "@/lib/cms/types";

export function CreateContentForm({ places }: { places: readonly Place[] }) {
  const [state, action] = useActionState(createContentForm, IDLE);
  return (
    <form action={action} noValidate className="max-w-3xl space-y-5">
      <Refusal state={state} known={["slug", "title", "body", "residency"]} />
      <TextField
        label="Title"
        name="title"
        autoComplete="off"
        maxLength={TITLE_MAX}
        defaultValue={typed(state, "title")}
        error={fieldError(state, "title")}
      />
      <TextField
        label="Address"
        name="slug"
        autoComplete="off"
        maxLength={SLUG_MAX}
        hint="Its place under /content/. It stays: small letters, digits and single hyphens."
        defaultValue={typed(state, "slug")}
        error={fieldError(state, "slug")}
      />
      <TextArea
        label="Text"
        name="body"
        maxLength={BODY_MAX}
        hint="An empty line begins a new paragraph."
        defaultValue={typed(state, "body")}
        error={fieldError(state, "body")}
      />
      <PlaceField
        places={places}
        defaultValue={typed(state, "residency") ?? ""}
        error={fieldError(state, "residency")}
      />
      <SubmitButton pendingLabel="Creating">Create draft</SubmitButton>
    </form>
  );
}

/**
 * The clock that the form was rendered with goes along: what others wrote since is kept beside what is saved, and
 * somebody decides.
 */
export function EditContentForm({ item }: { item: ContentRow }) {
  const [state, action] = useActionState(saveContentForm, IDLE);
  return (
    <form action={action} noValidate data-shortcut="save" className="space-y-5">
      <Refusal state={state} known={["title", "body"]} />
      <input type="hidden" name="contentId" value={item.id} />
      <input type="hidden" name="baseVersion" value={JSON.stringify(item.clock)} />
      <input type="hidden" name="shown-title" value={item.title} />
      <textarea name="shown-body" defaultValue={item.body} hidden readOnly key={item.body} />
      <TextField
        key={`title ${item.title}`}
        label="Title"
        name="title"
        autoComplete="off"
        maxLength={TITLE_MAX}
        defaultValue={typed(state, "title") ?? item.title}
        error={fieldError(state, "title")}
      />
      <TextArea
        key={`body ${item.body}`}
        label="Text"
        name="body"
        maxLength={BODY_MAX}
        className="[&_textarea]:min-h-80"
        hint="An empty line begins a new paragraph."
        defaultValue={typed(state, "body") ?? item.body}
        error={fieldError(state, "body")}
      />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <SubmitButton pendingLabel="Saving">Save</SubmitButton>
        <WriteDone state={state} />
      </div>
    </form>
  );
}

"use client";

import { useActionState, useCallback, useEffect, useRef, useState, type FormEvent } from "react";
import { saveDocumentForm } from "@/app/actions/document-forms";
import { buttonClass } from "@/components/ui/button";
import { TextArea, TextField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { SubmitButton } from "@/components/ui/submit-button";
import { CONTENT_MAX, SUMMARY_MAX, type DocumentRow } from "@/lib/documents/types";
import { CurrentVersion } from "./current-version";
import { fieldError, IDLE, typed } from "./form-state";
import type { LiveEditor, LiveHandle } from "./live/live-editor";
import { Refusal } from "./refusal";
import { TitleField, type TitleHandle } from "./title-field";
import { WriteDone } from "./write-done";

const FIELDS = ["title", "summary", "content"] as const;

/**
 * A plain form that works by itself; where scripts run, the live editor takes the place of its
 * text field, and saving keeps a version of what the editor has sent already. The clock that the
 * form was rendered with goes along: what others changed since is merged and not overwritten.
 */
export function EditDocumentForm({ document, userId }: { document: DocumentRow; userId: string }) {
  const [state, action, pending] = useActionState(saveDocumentForm, IDLE);
  const form = useRef<HTMLFormElement>(null);
  const field = useRef<HTMLDivElement>(null);
  const title = useRef<TitleHandle>(null);
  const live = useLiveEditor();
  const [handle, setHandle] = useState<LiveHandle | null>(null);
  const [unsent, setUnsent] = useState(false);
  const [edited, setEdited] = useState(false);
  const flushed = useRef(false);
  /** Before it is rendered. */
  const takenOver = useRef(false);
  /** The plain field's text is on its way. */
  const saving = useRef(false);

  const conflict = state.status === "refused" ? state.current : undefined;
  const base = conflict ?? document;

  const mirror = useCallback((text: string) => {
    const node = field.current?.querySelector("textarea");
    if (!node) return;
    // The default too: a form that was sent is set back to it.
    node.defaultValue = text;
    node.value = text;
  }, []);
  useEffect(() => {
    if (handle) mirror(handle.text());
  });

  useEffect(() => {
    if (!pending) saving.current = false;
  }, [pending]);

  async function submit(event: FormEvent<HTMLFormElement>) {
    if (takenOver.current && !handle) {
      // The editor has the text, and the form does not know it yet: sent now, it would be there twice.
      event.preventDefault();
      requestAnimationFrame(() => form.current?.requestSubmit());
      return;
    }
    setEdited(false);
    saving.current = !handle;
    const titled = title.current?.leaveToForm();
    if (flushed.current || (!handle?.hasUnsent() && !titled)) {
      flushed.current = false;
      return;
    }
    event.preventDefault();
    const [done] = await Promise.all([handle?.flush() ?? true, titled]);
    setUnsent(!done);
    if (!done) return;
    flushed.current = true;
    form.current?.requestSubmit();
  }

  const Live = live;
  return (
    <form
      ref={form}
      action={action}
      onSubmit={(event) => void submit(event)}
      data-shortcut="save"
      className="space-y-5"
      noValidate
    >
      <Refusal state={state} known={FIELDS} />
      {unsent ? (
        <Notice tone="warn" title="Not saved yet." live>
          No region has taken your last edits. They are kept in this browser; save again once the
          editor says that they were.
        </Notice>
      ) : null}
      {conflict ? <CurrentVersion current={conflict} /> : null}
      <input type="hidden" name="documentId" value={document.id} />
      <input type="hidden" name="baseVersion" value={JSON.stringify(base.clock)} />
      <input type="hidden" name="shown-summary" value={document.summary} />
      {handle ? <input type="hidden" name="live" value="1" /> : null}
      <TitleField
        ref={title}
        document={document}
        typed={typed(state, "title")}
        error={fieldError(state, "title")}
      />
      <TextField
        label="Summary"
        name="summary"
        autoComplete="off"
        maxLength={SUMMARY_MAX}
        hint="Optional. When two people write one at the same time, both are kept until somebody chooses."
        defaultValue={typed(state, "summary") ?? document.summary}
        error={fieldError(state, "summary")}
      />
      <div ref={field}>
        {handle ? (
          <textarea name="content" defaultValue={document.content} hidden readOnly />
        ) : (
          <TextArea
            label={conflict ? "Your text" : "Content"}
            name="content"
            maxLength={CONTENT_MAX}
            className="[&_textarea]:min-h-96"
            defaultValue={typed(state, "content") ?? document.content}
            error={fieldError(state, "content")}
          />
        )}
        {Live ? (
          <Live
            documentId={document.id}
            userId={userId}
            initialText={document.content}
            typed={() => {
              const node = field.current?.querySelector("textarea");
              const focused = node !== undefined && node === window.document.activeElement;
              return { text: node?.value ?? document.content, focused };
            }}
            isSaving={() => saving.current}
            onReady={(next) => {
              takenOver.current = true;
              setHandle(next);
            }}
            onText={(text, here) => {
              mirror(text);
              if (here) setEdited(true);
            }}
            onSave={() => form.current?.requestSubmit()}
          />
        ) : null}
        {handle && fieldError(state, "content") ? (
          <p className="mt-1.5 text-sm text-bad">{fieldError(state, "content")}</p>
        ) : null}
      </div>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <SubmitButton pendingLabel="Saving">
          {conflict ? "Replace it with your text" : "Save"}
        </SubmitButton>
        {conflict ? (
          <a href={`/documents/${document.id}`} className={buttonClass("plain")}>
            Keep theirs
          </a>
        ) : null}
        {edited ? null : <WriteDone state={state} />}
      </div>
    </form>
  );
}

/** The editor's code, once it has come. Without it the plain field stays. */
function useLiveEditor(): typeof LiveEditor | null {
  const [editor, setEditor] = useState<{ component: typeof LiveEditor } | null>(null);
  useEffect(() => {
    let gone = false;
    import("./live/live-editor")
      .then(({ LiveEditor: component }) => {
        if (!gone) setEditor({ component });
      })
      .catch(() => undefined);
    return () => {
      gone = true;
    };
  }, []);
  return editor?.component ?? null;
}

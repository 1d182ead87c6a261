"use client";

import { useRouter } from "next/navigation";
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from "react";
import { RegionLabel } from "@/components/multi-region/region-names";
import { TextField } from "@/components/ui/field";
import type { TextRefused, TitleSaved } from "@/lib/documents/text/wire";
import { TITLE_MAX, type DocumentClock, type DocumentRow } from "@/lib/documents/types";
import { TitleSaver, type TitleState } from "./title-saver";

/** What the form around the field does with it. */
export interface TitleHandle {
  /** Leaves what has not been sent to the form. Null, unless something is on its way. */
  leaveToForm(): Promise<void> | null;
}

const TIMEOUT_MS = 15_000;

async function sendTitle(
  documentId: string,
  title: string,
  baseVersion: DocumentClock,
): Promise<TitleSaved | TextRefused> {
  const response = await fetch(`/api/documents/${encodeURIComponent(documentId)}/title`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ title, baseVersion }),
    cache: "no-store",
    credentials: "same-origin",
    // Outlives the page that it is sent from.
    keepalive: true,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return (await response.json()) as TitleSaved | TextRefused;
}

/** A title that is stored when its typing pauses. Without JavaScript a field of the form. */
export function TitleField({
  document: shown,
  typed,
  error,
  ref,
}: {
  document: Pick<DocumentRow, "id" | "title" | "clock">;
  /** What was sent and refused: a form is empty again after it was sent. */
  typed?: string;
  error?: string;
  ref?: Ref<TitleHandle>;
}) {
  const router = useRouter();
  const field = useRef<HTMLInputElement>(null);
  const saver = useRef<TitleSaver | null>(null);
  const latest = useRef(shown);
  const [state, setState] = useState<TitleState | null>(null);
  const [stored, setStored] = useState(shown.title);

  useEffect(() => {
    const made = new TitleSaver(latest.current, {
      send: (title, base) => sendTitle(latest.current.id, title, base),
      onState(next) {
        setState(next);
        setStored(made.stored);
        if (next.kind === "stored" && document.activeElement !== field.current) head(made);
      },
    });
    saver.current = made;
    // The page says the title at its head, too; not while it changes with every word.
    function head({ stored }: TitleSaver) {
      if (stored !== latest.current.title) router.refresh();
    }
    const blurred = () => head(made);
    const input = field.current;
    input?.addEventListener("blur", blurred);
    const now = () => made.now();
    window.addEventListener("online", now);
    window.addEventListener("pagehide", now);
    return () => {
      input?.removeEventListener("blur", blurred);
      window.removeEventListener("online", now);
      window.removeEventListener("pagehide", now);
      made.stop();
    };
  }, [shown.id, router]);

  useEffect(() => {
    if (latest.current === shown) return;
    latest.current = shown;
    saver.current?.rendered(shown);
    setStored(shown.title);
  }, [shown]);

  useImperativeHandle(ref, () => ({
    leaveToForm: () => saver.current?.leaveToForm() ?? null,
  }));

  return (
    <>
      {/* Of the title that is stored: the form sends no other change than what is not. */}
      <input type="hidden" name="shown-title" value={stored} />
      <TextField
        label="Title"
        ref={field}
        name="title"
        autoComplete="off"
        maxLength={TITLE_MAX}
        defaultValue={typed ?? shown.title}
        onChange={(event) => saver.current?.typed(event.target.value)}
        error={error}
        hint={<TitleStatus state={state} />}
      />
    </>
  );
}

/** Always a line, so that nothing below it moves. Only what calls for attention is announced. */
function TitleStatus({ state }: { state: TitleState | null }) {
  return (
    <span data-title-state={state?.kind ?? "none"} className="block min-h-[1lh]">
      {quiet(state)}
      <span role="status" className="text-warn">
        {notable(state)}
      </span>
    </span>
  );
}

function quiet(state: TitleState | null) {
  if (state?.kind === "waiting" || state?.kind === "saving") return "Saving…";
  if (state?.kind !== "stored" || state.regionId === null) return null;
  return (
    <>
      Saved in <RegionLabel regionId={state.regionId} />
    </>
  );
}

function notable(state: TitleState | null): string | null {
  if (state?.kind === "offline") return "Offline: the title is kept here and tried again.";
  return state?.kind === "refused" ? state.message : null;
}

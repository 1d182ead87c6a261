"use client";

import { useEffect, useId, useRef, useState } from "react";
import { textEdits } from "@/lib/documents/text/text-edits";
import { threeWay } from "@/lib/documents/text/three-way";
import { createEditor } from "./editor-view";
import { LiveStatus } from "./live-status";
import { TextSync, type SyncState } from "./text-sync";
import { httpTransport } from "./transport";
import { browserStorage, UnsentStore } from "./unsent-store";

/** What the form around the editor does with it. */
export interface LiveHandle {
  /** Whether a region has confirmed every edit. */
  flush(): Promise<boolean>;
  hasUnsent(): boolean;
  text(): string;
}

interface Props {
  documentId: string;
  userId: string;
  /** The text that the page was rendered with. */
  initialText: string;
  /** What stands in the plain field by now, and whether the caret is there. */
  typed(): { text: string; focused: boolean };
  /** Whether the plain field is being saved. Taken over now, its text would be there twice. */
  isSaving(): boolean;
  onReady(handle: LiveHandle): void;
  /** @param here whether it was changed in this editor, and not by what others wrote */
  onText(text: string, here: boolean): void;
  onSave(): void;
}

/** Takes the place of the plain field once it has the text; until then it shows nothing. */
export function LiveEditor(props: Props) {
  const { documentId, userId } = props;
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  const [state, setState] = useState<SyncState | null>(null);
  const [ready, setReady] = useState(false);
  const statusId = useId();

  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    const parent = frame.current;
    if (!parent) return;
    const tab = crypto.randomUUID();
    const store = new UnsentStore(userId, documentId, tab, browserStorage());
    let view: ReturnType<typeof createEditor> | null = null;
    let opened = false;
    const sync = new TextSync({
      transport: httpTransport(documentId, tab),
      store,
      isVisible: () => document.visibilityState === "visible",
      onState: (next) => {
        setState(next);
        if (opened || next.regionId === null || latest.current.isSaving()) return;
        opened = true;
        const { focused } = takeTyped(sync, latest.current);
        view = createEditor(parent, sync.text, {
          label: "Content",
          describedBy: statusId,
          onSave: () => latest.current.onSave(),
        });
        sync.text.observe((_, { local }) => latest.current.onText(sync.text.toString(), local));
        setReady(true);
        latest.current.onReady({
          flush: () => sync.flush(),
          hasUnsent: () => sync.state.unsent > 0,
          text: () => sync.text.toString(),
        });
        latest.current.onText(sync.text.toString(), false);
        if (focused) view.focus();
      },
    });
    const wake = () => {
      if (document.visibilityState === "visible") sync.wake();
    };
    // The last edits are on their way before the page is gone; the rest is in the store.
    const leave = () => void sync.flush();
    document.addEventListener("visibilitychange", wake);
    window.addEventListener("online", wake);
    window.addEventListener("pagehide", leave);
    sync.start();
    return () => {
      document.removeEventListener("visibilitychange", wake);
      window.removeEventListener("online", wake);
      window.removeEventListener("pagehide", leave);
      leave();
      view?.destroy();
      sync.stop();
    };
  }, [documentId, userId, statusId]);

  return (
    <div className={ready ? "flex flex-col gap-1.5" : "hidden"}>
      <p aria-hidden className="text-sm font-medium">
        Content
      </p>
      <div
        ref={frame}
        className="overflow-hidden rounded-md border border-line-strong bg-surface focus-within:outline-2 focus-within:outline-accent hover:border-faint"
      />
      {state ? <LiveStatus state={state} id={statusId} /> : null}
    </div>
  );
}

/** Puts what was typed before the editor was there on top of the text. */
function takeTyped(sync: TextSync, { typed, initialText }: Props): { focused: boolean } {
  const { text: mine, focused } = typed();
  const base = initialText.replaceAll("\r\n", "\n");
  if (mine !== base) {
    const current = sync.text.toString();
    const edits = textEdits(current, threeWay(base, mine, current).text);
    sync.doc.transact(() => {
      for (const { at, remove, insert } of edits.reverse()) {
        sync.text.delete(at, remove);
        sync.text.insert(at, insert);
      }
    });
  }
  return { focused };
}

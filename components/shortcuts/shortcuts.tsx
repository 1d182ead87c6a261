"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { buttonClass } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { shortcutOf, takesText, type Shortcut } from "./shortcut-of";

/** The visitor wants no shortcut that is a single key; kept in this browser. */
const OFF_KEY = "meridian.single-keys-off";

const LIST: readonly { keys: string[]; what: string }[] = [
  { keys: ["/"], what: "Search your documents" },
  { keys: ["n"], what: "New document" },
  { keys: ["Ctrl", "S"], what: "Save now (⌘ S on a Mac)" },
  { keys: ["?"], what: "This list" },
  { keys: ["Esc"], what: "Close it" },
];

/** The button and the list of the page's shortcuts, and what they do. */
export function Shortcuts() {
  const router = useRouter();
  const dialog = useRef<HTMLDialogElement>(null);
  const letters = useSyncExternalStore(watchSetting, readSetting, () => true);

  useEffect(() => {
    const act: Record<Shortcut, () => boolean> = {
      search() {
        const field = document.querySelector<HTMLInputElement>('[data-shortcut="search"]');
        if (field) {
          field.focus();
          field.select();
        } else router.push("/documents?find");
        return true;
      },
      new() {
        router.push("/documents/new");
        return true;
      },
      save() {
        const form = document.querySelector<HTMLFormElement>('form[data-shortcut="save"]');
        form?.requestSubmit();
        return form !== null;
      },
      help() {
        dialog.current?.showModal();
        return true;
      },
    };
    function press(event: KeyboardEvent) {
      // The editor has its own key for saving.
      if (event.defaultPrevented) return;
      const { key, ctrlKey, metaKey, altKey, repeat, isComposing } = event;
      const typing = takesText(event.target);
      const covered = document.querySelector("dialog[open]") !== null;
      const asked = shortcutOf(
        { key, ctrlKey, metaKey, altKey, repeat, isComposing, typing, covered },
        letters,
      );
      if (asked && act[asked]()) event.preventDefault();
    }
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [router, letters]);

  return (
    <>
      <button
        type="button"
        onClick={() => dialog.current?.showModal()}
        aria-label="Keyboard shortcuts"
        aria-haspopup="dialog"
        aria-keyshortcuts="?"
        title="Keyboard shortcuts (?)"
        className={buttonClass("quiet", "h-8 w-8 px-0 max-sm:hidden")}
      >
        <kbd aria-hidden className={keyClass}>
          ?
        </kbd>
      </button>
      <dialog
        ref={dialog}
        aria-labelledby="shortcuts-title"
        // A press beside it is one on the dialog itself: what it shows fills its box.
        onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
        className="m-auto w-[min(26rem,calc(100vw-2rem))] rounded-lg border border-line bg-surface p-0 text-ink shadow-raised backdrop:bg-ink/30"
      >
        <div className="space-y-4 p-5">
          <h2 id="shortcuts-title" className="text-lg font-semibold">
            Keyboard shortcuts
          </h2>
          <dl className="grid grid-cols-[auto_1fr] items-baseline gap-x-5 gap-y-2.5 text-sm">
            {LIST.map(({ keys, what }) => (
              <div key={what} className="contents">
                <dt className="flex gap-1">
                  {keys.map((key) => (
                    <kbd key={key} className={keyClass}>
                      {key}
                    </kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
          <p className="text-sm text-muted">Single keys rest while you type in a field.</p>
          <div className="flex flex-row-reverse flex-wrap items-center justify-between gap-3 border-t border-line pt-4">
            {/* First, so that it has the focus when the list opens. */}
            <form method="dialog">
              <button type="submit" className={buttonClass("plain", "h-8")}>
                Close
              </button>
            </form>
            <label className="flex items-center gap-2 text-sm">
              <input
                type="checkbox"
                checked={letters}
                onChange={(event) => writeSetting(event.target.checked)}
                className="accent-accent"
              />
              Single keys
            </label>
          </div>
        </div>
      </dialog>
    </>
  );
}

const keyClass = cn(
  "inline-block min-w-5 rounded border border-line-strong bg-sunken px-1.5 text-center",
  "font-mono text-xs leading-5 text-ink",
);

const watchers = new Set<() => void>();

function watchSetting(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

/** Where the browser keeps nothing, keys stay on. */
function readSetting(): boolean {
  try {
    return localStorage.getItem(OFF_KEY) === null;
  } catch {
    return true;
  }
}

function writeSetting(on: boolean): void {
  try {
    if (on) localStorage.removeItem(OFF_KEY);
    else localStorage.setItem(OFF_KEY, "1");
  } catch {
    return;
  }
  for (const changed of watchers) changed();
}

import { TextSync, type SyncState } from "./text-sync";
import { httpTransport } from "./transport";
import { UnsentStore } from "./unsent-store";

/** Follows a text without changing it. Returns what ends it. */
export function followText(
  documentId: string,
  onText: (text: string, state: SyncState) => void,
): () => void {
  const tab = crypto.randomUUID();
  const sync = new TextSync({
    transport: httpTransport(documentId, tab),
    // A reader has no edits to keep.
    store: new UnsentStore("", documentId, tab, null),
    isVisible: () => document.visibilityState === "visible",
    onState: (state) => {
      if (state.regionId !== null) onText(sync.text.toString(), state);
    },
  });
  const wake = () => {
    if (document.visibilityState === "visible") sync.wake();
  };
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  sync.start();
  return () => {
    document.removeEventListener("visibilitychange", wake);
    window.removeEventListener("online", wake);
    sync.stop();
  };
}

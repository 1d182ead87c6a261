import * as Y from "yjs";

/** The one root type of a document's Yjs state. */
export const TEXT_ROOT = "content";

export function contentOf(doc: Y.Doc): Y.Text {
  return doc.getText(TEXT_ROOT);
}

/** How much of what was applied waits for updates that have not been; 0 for a whole document. */
export function waitingBytes(doc: Y.Doc): number {
  const { pendingStructs, pendingDs } = doc.store;
  return (pendingStructs?.update.byteLength ?? 0) + (pendingDs?.byteLength ?? 0);
}

/**
 * The document that these updates make. Where two of them claim the same Yjs id, the earlier one in
 * the list counts, so everybody has to apply them in the same order.
 *
 * An update that can't be read is left out: checked updates are what the application writes, but a
 * row of this table may have been made or damaged by hand, and the rest of the text is still good.
 */
export function docOf(updates: readonly Uint8Array[]): Y.Doc {
  let applied: Uint8Array[] = [];
  let doc = new Y.Doc();
  for (const update of updates) {
    try {
      Y.decodeUpdate(update);
      Y.applyUpdate(doc, update);
      applied.push(update);
    } catch {
      // It may have been applied in part.
      const good = applied;
      applied = [];
      doc = new Y.Doc();
      for (const earlier of good) {
        Y.applyUpdate(doc, earlier);
        applied.push(earlier);
      }
    }
  }
  contentOf(doc);
  return doc;
}

export function textOf(updates: readonly Uint8Array[]): string {
  return contentOf(docOf(updates)).toString();
}

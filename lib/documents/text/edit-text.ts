import * as Y from "yjs";
import { contentOf, docOf } from "./ytext";
import { textEdits } from "./text-edits";

/** Makes `text` of the document's text by small edits. Whether anything changed. */
export function editText(doc: Y.Doc, text: string): boolean {
  const content = contentOf(doc);
  const edits = textEdits(content.toString(), text);
  doc.transact(() => {
    // From the end, so that the places of the others stay what they are.
    for (const { at, remove, insert } of edits.reverse()) {
      if (remove > 0) content.delete(at, remove);
      if (insert.length > 0) content.insert(at, insert);
    }
  });
  return edits.length > 0;
}

export interface MadeUpdate {
  /** What the state lacks; null where the text already is that. */
  update: Uint8Array | null;
  /** The state and the update together. */
  whole: Uint8Array;
  text: string;
}

/** The update that turns the text of a state into another one. */
export function makeUpdate(state: readonly Uint8Array[], text: string): MadeUpdate {
  const doc = docOf(state);
  let update: Uint8Array | null = null;
  doc.on("update", (made: Uint8Array) => {
    update = made;
  });
  editText(doc, text);
  return {
    update,
    whole: Y.encodeStateAsUpdate(doc),
    text: contentOf(doc).toString(),
  };
}

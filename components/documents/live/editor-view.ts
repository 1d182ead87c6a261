import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { minimalSetup } from "codemirror";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import * as Y from "yjs";

/** Colours are the page's own, so that it is dark where the page is. */
const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "inherit" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-sans)", lineHeight: "1.625", minHeight: "24rem" },
  ".cm-content": { padding: "0.5rem 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 0.75rem" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { background: "color-mix(in oklch, var(--accent) 26%, transparent)" },
});

/**
 * An editor of a Yjs text. Tab is not taken: it leaves the editor, as it leaves any field.
 *
 * @param onSave for Ctrl-S or Cmd-S
 */
export function createEditor(
  parent: HTMLElement,
  text: Y.Text,
  options: { label: string; describedBy: string; onSave(): void },
): EditorView {
  const undoManager = new Y.UndoManager(text);
  const save = () => {
    options.onSave();
    return true;
  };
  const extensions: Extension[] = [
    keymap.of([{ key: "Mod-s", run: save, preventDefault: true }, ...yUndoManagerKeymap]),
    minimalSetup,
    yCollab(text, null, { undoManager }),
    // Otherwise a stored "\r\n" would be one character here and two in the text.
    EditorState.lineSeparator.of("\n"),
    EditorView.clipboardInputFilter.of((pasted) =>
      pasted.replaceAll(/\r\n?/g, "\n").replaceAll("\0", "").toWellFormed(),
    ),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({
      "aria-label": options.label,
      "aria-describedby": options.describedBy,
      spellcheck: "true",
      autocapitalize: "sentences",
    }),
    theme,
  ];
  const state = EditorState.create({ doc: text.toString(), extensions });
  return new EditorView({ state, parent });
}

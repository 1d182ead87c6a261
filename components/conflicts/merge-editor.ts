import type { Extension } from "@codemirror/state";

export interface Compared {
  label: string;
  text: string;
}

export type CompareMode = "side-by-side" | "merged";

/**
 * Shows the differences of two texts in `parent`, read-only. Loaded when it is needed: the editor is
 * larger than everything else on the page. Returns what removes it.
 */
export async function showMerge(
  parent: HTMLElement,
  [left, right]: readonly [Compared, Compared],
  mode: CompareMode,
): Promise<() => void> {
  const [{ MergeView, unifiedMergeView }, { EditorState }, { EditorView }] = await Promise.all([
    import("@codemirror/merge"),
    import("@codemirror/state"),
    import("@codemirror/view"),
  ]);
  const theme = EditorView.theme({
    "&": { backgroundColor: "transparent", color: "var(--ink)", fontSize: "0.875rem" },
    "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
    ".cm-content": { fontFamily: "var(--font-sans)", padding: "0.75rem 0" },
    ".cm-line": { padding: "0 1rem" },
    ".cm-gutters": { backgroundColor: "transparent", border: "none" },
    ".cm-changedLine, .cm-insertedLine": { backgroundColor: "var(--ok-tint)" },
    ".cm-deletedChunk, .cm-deletedLine": { backgroundColor: "var(--bad-tint)" },
    "&.cm-merge-a .cm-changedLine": { backgroundColor: "var(--bad-tint)" },
    ".cm-deletedChunk": { paddingLeft: "1rem" },
    ".cm-changedText": { background: "none", textDecoration: "underline var(--ok) 2px" },
    ".cm-deletedText, .cm-deletedChunk .cm-deletedText, &.cm-merge-a .cm-changedText": {
      background: "none",
      textDecoration: "underline var(--bad) 2px",
    },
  });
  const readOnly = (label: string): Extension => [
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({
      tabindex: "0",
      "aria-label": label,
      "aria-readonly": "true",
    }),
    theme,
  ];
  if (mode === "side-by-side") {
    const view = new MergeView({
      a: { doc: left.text, extensions: readOnly(left.label) },
      b: { doc: right.text, extensions: readOnly(right.label) },
      parent,
    });
    return () => view.destroy();
  }
  const view = new EditorView({
    doc: right.text,
    extensions: [
      readOnly(`${left.label} and ${right.label}, merged`),
      unifiedMergeView({ original: left.text, mergeControls: false }),
    ],
    parent,
  });
  return () => view.destroy();
}

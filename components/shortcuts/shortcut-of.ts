/**
 * - `search`: to the search field, or to the page that has one.
 * - `new`: a new document.
 * - `save`: sends the form that saves.
 * - `help`: the list of shortcuts.
 */
export type Shortcut = "search" | "new" | "save" | "help";

interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  /** Held down, so not meant a second time. */
  repeat: boolean;
  isComposing: boolean;
  /** It goes into a field, an editor or a list of choices. */
  typing: boolean;
  /** A dialog is open: what is behind it can't be reached. */
  covered: boolean;
}

/**
 * What a press of a key asks for. Pure.
 *
 * @param letters whether keys without a modifier count: speech and some devices press them by mistake
 */
export function shortcutOf(press: Press, letters: boolean): Shortcut | null {
  if (press.repeat || press.isComposing || press.altKey || press.covered) return null;
  const key = press.key.toLowerCase();
  // One of the two: both together are somebody else's shortcut.
  if (press.ctrlKey !== press.metaKey) return key === "s" ? "save" : null;
  if (press.ctrlKey || press.typing || !letters) return null;
  switch (key) {
    case "/":
      return "search";
    case "n":
      return "new";
    case "?":
      return "help";
    default:
      return null;
  }
}

/** Whether keys that are pressed there are text. */
export function takesText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest("input, textarea, select, [contenteditable='true'], [role='textbox']") !==
        null)
  );
}

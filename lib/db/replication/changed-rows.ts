import type { EntityRows } from "./batch";

/** Of more rows than this nothing is said one by one: whoever keeps something of them finds out by itself. */
const MAX_ROWS = 200;

export interface ChangedRow {
  entity: string;
  id: string;
}

/**
 * Which rows a batch has changed; none for a large one. The id is taken from where it is in every table of ours, the
 * first column: an element is its length and a composite's binary format, the number of fields and then of each its type,
 * its length and its bytes.
 */
export function changedRows(parts: readonly EntityRows[]): ChangedRow[] {
  if (parts.reduce((sum, { count }) => sum + count, 0) > MAX_ROWS) return [];
  const changed: ChangedRow[] = [];
  for (const { entity, elements } of parts) {
    for (let at = 0; at + 16 <= elements.length;) {
      const length = elements.readInt32BE(at + 12);
      if (length < 0 || at + 16 + length > elements.length) break;
      changed.push({ entity, id: elements.toString("utf8", at + 16, at + 16 + length) });
      // At least what has just been read, whatever the element says of itself.
      at += Math.max(16 + length, 4 + elements.readInt32BE(at));
    }
  }
  return changed;
}

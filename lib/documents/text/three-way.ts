import { diff3Merge, diffIndices } from "node-diff3";
import { linePairs } from "./text-edits";

export interface ThreeWay {
  text: string;
  /** Both changed the same lines differently: both are in the text, between conflict markers. */
  flagged: boolean;
}

/** As git writes them; whoever finds them in a text knows what they mean. */
export const MARKERS = {
  theirs: "<<<<<<< current",
  middle: "=======",
  mine: ">>>>>>> yours",
} as const;

/** See MAX_LINE_PAIRS of text-edits: past it, what all three have in common is cut off first. */
const MAX_LINE_PAIRS = 2_000_000;

/**
 * Three-way merge by lines (diff3: Khanna, Kunal, Pierce, "A Formal Investigation of Diff3", 2007).
 * Changes to different lines are both taken; a change that both made alike is taken once.
 *
 * @param base what `mine` was made from
 * @param theirs what it is now
 */
export function threeWay(base: string, mine: string, theirs: string): ThreeWay {
  if (mine === theirs || mine === base) return { text: theirs, flagged: false };
  if (theirs === base) return { text: mine, flagged: false };
  const [o, a, b] = [base.split("\n"), theirs.split("\n"), mine.split("\n")];
  if (linePairs(o, a) + linePairs(o, b) > MAX_LINE_PAIRS) return coarse(o, a, b);
  let flagged = false;
  const lines = diff3Merge(a, o, b, { excludeFalseConflicts: true }).flatMap((region) => {
    if (region.ok) return region.ok;
    if (!region.conflict) return [];
    const { a: theirLines, o: oldLines, b: myLines } = region.conflict;
    const both = besideEachOther(oldLines, theirLines, myLines);
    if (both) return both;
    flagged = true;
    return marked(theirLines, myLines);
  });
  return { text: lines.join("\n"), flagged };
}

/**
 * Diff3 takes neighbouring lines that two people changed for one place. Where no line was changed by
 * both, and none was put beside one that the other changed, both changes are taken; else null.
 */
function besideEachOther(o: string[], a: string[], b: string[]): string[] | null {
  const hunks = [...diffIndices(o, a), ...diffIndices(o, b)]
    .map(({ buffer1: [start, length], buffer2Content }) => ({
      start,
      end: start + length,
      lines: buffer2Content,
    }))
    .sort((one, other) => one.start - other.start || one.end - other.end);
  const lines: string[] = [];
  let at = 0;
  let last: { start: number; end: number } | null = null;
  for (const hunk of hunks) {
    const isInsertion = hunk.start === hunk.end || (last !== null && last.start === last.end);
    if (last && (hunk.start < last.end || (isInsertion && hunk.start === last.end))) return null;
    lines.push(...o.slice(at, hunk.start), ...hunk.lines);
    at = hunk.end;
    last = hunk;
  }
  return [...lines, ...o.slice(at)];
}

function marked(theirs: readonly string[], mine: readonly string[]): string[] {
  return [MARKERS.theirs, ...theirs, MARKERS.middle, ...mine, MARKERS.mine];
}

/** All three differ in one stretch, and it is the two versions of it that are kept. */
function coarse(o: string[], a: string[], b: string[]): ThreeWay {
  const limit = Math.min(o.length, a.length, b.length);
  let head = 0;
  while (head < limit && o[head] === a[head] && o[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < limit - head &&
    o.at(-1 - tail) === a.at(-1 - tail) &&
    o.at(-1 - tail) === b.at(-1 - tail)
  ) {
    tail++;
  }
  const middle = (lines: string[]) => lines.slice(head, lines.length - tail);
  const lines = [...o.slice(0, head), ...marked(middle(a), middle(b)), ...o.slice(o.length - tail)];
  return { text: lines.join("\n"), flagged: true };
}

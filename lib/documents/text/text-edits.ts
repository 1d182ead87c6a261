import { diffIndices } from "node-diff3";

/** Replaces `remove` characters (UTF-16 units) at `at` of the old text by `insert`. */
export interface TextEdit {
  at: number;
  remove: number;
  insert: string;
}

/**
 * The line diff is quadratic in how often equal lines repeat: 10,000 empty lines against as many
 * would be 10^8 steps. Past this many pairs of equal lines the middle is replaced as a whole.
 */
const MAX_LINE_PAIRS = 2_000_000;

/** Pairs of equal lines of two texts: what comparing them costs. */
export function linePairs(a: readonly string[], b: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const line of a) counts.set(line, (counts.get(line) ?? 0) + 1);
  return b.reduce((sum, line) => sum + (counts.get(line) ?? 0), 0);
}

export function tooAlike(a: readonly string[], b: readonly string[]): boolean {
  return linePairs(a, b) > MAX_LINE_PAIRS;
}

/**
 * Small edits, in ascending order and apart from each other, that make `after` of `before`. Lines
 * that stay are left alone, so that what others do to them at the same time is kept.
 */
export function textEdits(before: string, after: string): TextEdit[] {
  if (before === after) return [];
  const [old, now] = [toLines(before), toLines(after)];
  const [head, tail] = commonEnds(old, now);
  const [a, b] = [old.slice(head, old.length - tail), now.slice(head, now.length - tail)];
  const from = old.slice(0, head).join("").length;
  const removed = a.join("");
  if (tooAlike(a, b)) {
    return [narrow({ at: from, remove: removed.length, insert: b.join("") }, before)];
  }
  const starts = offsets(a);
  return diffIndices(a, b).map(({ buffer1: [line, count], buffer2Content }) => {
    const start = starts[line] ?? removed.length;
    const end = starts[line + count] ?? removed.length;
    const at = from + start;
    return narrow({ at, remove: end - start, insert: buffer2Content.join("") }, before);
  });
}

/** Lines with their ends, so that joining them gives the text again. */
export function toLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** How many lines at the beginning, and at the end, are the same. */
function commonEnds(a: readonly string[], b: readonly string[]): [head: number, tail: number] {
  const limit = Math.min(a.length, b.length);
  let head = 0;
  while (head < limit && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < limit - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return [head, tail];
}

function offsets(lines: readonly string[]): number[] {
  const starts: number[] = [];
  let at = 0;
  for (const line of lines) {
    starts.push(at);
    at += line.length;
  }
  return starts;
}

/** The same edit without what it would replace by itself. Never cuts a surrogate pair in two. */
function narrow(edit: TextEdit, text: string): TextEdit {
  const old = text.slice(edit.at, edit.at + edit.remove);
  const { insert } = edit;
  const limit = Math.min(old.length, insert.length);
  let head = 0;
  while (head < limit && old[head] === insert[head]) head++;
  if (head > 0 && isHigh(old.charCodeAt(head - 1))) head--;
  let tail = 0;
  while (tail < limit - head && old[old.length - 1 - tail] === insert[insert.length - 1 - tail]) {
    tail++;
  }
  if (tail > 0 && isLow(old.charCodeAt(old.length - tail))) tail--;
  return {
    at: edit.at + head,
    remove: old.length - head - tail,
    insert: insert.slice(head, insert.length - tail),
  };
}

const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000;

import fc from "fast-check";
import * as Y from "yjs";
import { describe, expect, it } from "vitest";
import { makeUpdate } from "@/lib/documents/text/edit-text";
import { seedUpdate } from "@/lib/documents/text/seed-update";
import { textEdits, type TextEdit } from "@/lib/documents/text/text-edits";
import { MARKERS, threeWay } from "@/lib/documents/text/three-way";
import { docOf, textOf } from "@/lib/documents/text/ytext";

const SEED = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
const run = { seed: SEED, numRuns: 500, verbose: 1 } as const;

/** Few different lines, so that they repeat and move. */
const text = fc
  .array(fc.constantFrom("", "a", "b", "two words", "😀", "😁x", "é"), { maxLength: 12 })
  .map((lines) => lines.join("\n"));

function applied(before: string, edits: readonly TextEdit[]): string {
  return [...edits]
    .reverse()
    .reduce(
      (now, { at, remove, insert }) => now.slice(0, at) + insert + now.slice(at + remove),
      before,
    );
}

describe(`edits between two texts (seed ${SEED})`, () => {
  it("make the second of the first and never cut a character in two", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const edits = textEdits(before, after);
        expect(applied(before, edits)).toBe(after);
        for (const { at, remove, insert } of edits) {
          expect(insert.isWellFormed()).toBe(true);
          expect(before.slice(at, at + remove).isWellFormed()).toBe(true);
        }
      }),
      run,
    );
  });

  it("leave the lines alone that stay", () => {
    const before = "one\ntwo\nthree\nfour\nfive\n";
    expect(textEdits(before, "one\n2\nthree\nfour\nfive and more\n")).toEqual([
      { at: 4, remove: 3, insert: "2" },
      { at: 23, remove: 0, insert: " and more" },
    ]);
  });

  it("take no time for a text of nothing but equal lines", () => {
    const started = performance.now();
    const [before, after] = ["\n".repeat(50_000), `x${"\n".repeat(40_000)}y`];
    expect(applied(before, textEdits(before, after))).toBe(after);
    const mine = `a\n${before}b`;
    const merged = threeWay(before, mine, after);
    expect(merged.flagged).toBe(true);
    expect(merged.text).toContain("x");
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe(`three-way merge (seed ${SEED})`, () => {
  it("takes what only one side changed, and what both changed alike once", () => {
    fc.assert(
      fc.property(text, text, (base, changed) => {
        expect(threeWay(base, changed, base)).toEqual({ text: changed, flagged: false });
        expect(threeWay(base, base, changed)).toEqual({ text: changed, flagged: false });
        expect(threeWay(base, changed, changed)).toEqual({ text: changed, flagged: false });
      }),
      run,
    );
  });

  it("merges changes of different lines", () => {
    const base = "1\n2\n3\n4\n5";
    const merged = threeWay(base, "1 mine\n2\n3\n4\n5", "1\n2\n3\n4\n5 theirs");
    expect(merged).toEqual({ text: "1 mine\n2\n3\n4\n5 theirs", flagged: false });
  });

  it("merges changes of neighbouring lines, and flags a line put beside a changed one", () => {
    expect(threeWay("a\nb", "a\nB", "A\nb")).toEqual({ text: "A\nB", flagged: false });
    expect(threeWay("a\nb\nc", "a\nB\nc", "A\nb\nC").text).toBe("A\nB\nC");
    expect(threeWay("a\nb", "a\nnew\nb", "A\nb").flagged).toBe(true);
    expect(threeWay("a\nb", "a\nb\nmine", "a\nb\ntheirs").flagged).toBe(true);
  });

  it("keeps both versions of the same line, between markers", () => {
    expect(threeWay("a\nb\nc", "a\nmine\nc", "a\ntheirs\nc")).toEqual({
      text: ["a", MARKERS.theirs, "theirs", MARKERS.middle, "mine", MARKERS.mine, "c"].join("\n"),
      flagged: true,
    });
  });

  /** The law: a line that a side added is in the result. */
  function keepsAdditions(merge: typeof threeWay): boolean {
    const lines = (value: string) => value.split("\n");
    const result = fc.check(
      fc.property(text, text, text, (base, mine, theirs) => {
        const tag = (value: string, mark: string) =>
          lines(value)
            .map((line) => (lines(base).includes(line) ? line : `${mark}:${line}`))
            .join("\n");
        const [a, b] = [tag(mine, "m"), tag(theirs, "t")];
        const merged = new Set(lines(merge(base, a, b).text));
        return [...lines(a), ...lines(b)].every((line) => !/^[mt]:/.test(line) || merged.has(line));
      }),
      run,
    );
    return !result.failed;
  }

  it("drops no line that either side added, and the law notices one that does", () => {
    expect(keepsAdditions(threeWay)).toBe(true);
    expect(keepsAdditions((_, mine) => ({ text: mine, flagged: false }))).toBe(false);
    expect(keepsAdditions((_, __, theirs) => ({ text: theirs, flagged: false }))).toBe(false);
    const withoutMarked: typeof threeWay = (base, mine, theirs) => {
      const merged = threeWay(base, mine, theirs);
      return merged.flagged ? { text: theirs, flagged: false } : merged;
    };
    expect(keepsAdditions(withoutMarked)).toBe(false);
  });
});

describe("the first update", () => {
  it("is the same wherever it is made, and so makes the text once", () => {
    const [a, b] = [seedUpdate("d", "Text"), seedUpdate("d", "Text")];
    expect(a).toEqual(b);
    expect(textOf([a.update, b.update])).toBe("Text");
  });

  it("is another one for another document or another content", () => {
    const ids = [seedUpdate("d", "Text"), seedUpdate("e", "Text"), seedUpdate("d", "Texts")];
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
  });
});

describe(`updates made from texts (seed ${SEED})`, () => {
  it("merge in any order to the same text, with every line that was added", () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(text, text, text, text, order, (base, one, two, three, shuffled) => {
        const seed = seedUpdate("d", base).update;
        const made = [one, two, three].map((to) => makeUpdate([seed], to).update ?? seed);
        const all = [seed, ...made];
        const inOrder = textOf(all);
        expect(textOf(shuffled.map((index) => all[index]!))).toBe(inOrder);
        expect(textOf([...all, ...all])).toBe(inOrder);
      }),
      run,
    );
  });

  it("are no replacement of everything", () => {
    const base = "line\n".repeat(2_000);
    const { update, text: after } = makeUpdate([seedUpdate("d", base).update], `${base}end`);
    expect(after).toBe(`${base}end`);
    expect(update?.byteLength).toBeLessThan(60);
  });
});

describe("stored updates", () => {
  it("that can't be read leave the rest of the text as it is", () => {
    const seed = seedUpdate("d", "Good").update;
    const more = makeUpdate([seed], "Good text").update!;
    const broken = [new Uint8Array([255, 255, 255]), seed.slice(0, 9), new Uint8Array(0)];
    expect(textOf([broken[0]!, seed, broken[1]!, more, broken[2]!])).toBe("Good text");
    expect(Y.encodeStateVector(docOf([seed, broken[0]!]))).toEqual(
      Y.encodeStateVector(docOf([seed])),
    );
  });
});

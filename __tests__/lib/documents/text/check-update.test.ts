import fc from "fast-check";
import * as Y from "yjs";
import { describe, expect, it } from "vitest";
import {
  checkUpdate,
  parseUpdate,
  UPDATE_MAX_BYTES,
  UPDATE_MAX_STRUCTS,
} from "@/lib/documents/text/check-update";
import { seedUpdate } from "@/lib/documents/text/seed-update";
import { toBase64 } from "@/lib/documents/text/wire";
import { docOf, textOf } from "@/lib/documents/text/ytext";
import { CONTENT_MAX } from "@/lib/documents/types";

const SEED = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
const LONGEST_MS = 1_000;

const state = [seedUpdate("d", "Some text of a document.\nAnd more of it.\n").update];

/** An honest client's update: what `edit` does to a copy of the state. */
function made(edit: (doc: Y.Doc, text: Y.Text) => void, from = state): Uint8Array {
  const doc = docOf(from);
  const before = Y.encodeStateVector(doc);
  edit(doc, doc.getText("content"));
  return Y.encodeStateAsUpdate(doc, before);
}

function faultOf(update: Uint8Array, from = state) {
  const checked = checkUpdate(from, update);
  return checked.ok ? null : checked.fault;
}

describe("an update", () => {
  it("of an honest editor is accepted with the text that it makes", () => {
    const update = made((_, text) => {
      text.insert(0, "Now: 🧭 ");
      text.delete(12, 4);
    });
    const checked = checkUpdate(state, update);
    expect(checked).toMatchObject({ ok: true, empty: false, text: textOf([...state, update]) });
    expect(checkUpdate([...state, update], update)).toMatchObject({ ok: true, empty: false });
    const nothing = Y.encodeStateAsUpdate(new Y.Doc());
    expect(checkUpdate(state, nothing)).toMatchObject({ ok: true, empty: true });
  });

  it("of the longest text, pasted at once, is accepted", () => {
    const empty = [seedUpdate("d", "").update];
    const update = made((_, text) => text.insert(0, "界".repeat(CONTENT_MAX)), empty);
    expect(checkUpdate(empty, update).ok).toBe(true);
    const over = made((_, text) => text.insert(0, "x".repeat(CONTENT_MAX + 1)), empty);
    expect(faultOf(over, empty)).toBe("too-long");
  });

  it("is refused for what it holds", () => {
    const cases: [string, (doc: Y.Doc, text: Y.Text) => void][] = [
      ["not-text", (doc) => doc.getText("other").insert(0, "x")],
      ["not-text", (doc) => doc.getMap("content2").set("a", 1)],
      ["not-text", (_, text) => text.insertEmbed(0, { image: "x" })],
      ["not-text", (_, text) => text.format(0, 4, { bold: true })],
      ["not-text", (_, text) => text.insertEmbed(0, new Y.Map())],
      ["not-text", (doc) => doc.getMap("m").set("doc", new Y.Doc())],
      ["not-text", (_, text) => text.setAttribute("a", "b")],
      ["unstorable", (_, text) => text.insert(0, "a\0b")],
    ];
    for (const [fault, edit] of cases) expect(faultOf(made(edit))).toBe(fault);
  });

  it("is refused for half a surrogate pair", () => {
    const doc = docOf(state);
    const before = Y.encodeStateVector(doc);
    const text = doc.getText("content");
    text.insert(0, "\ud83d");
    const update = Y.encodeStateAsUpdate(doc, before);
    // Encoding makes U+FFFD of it, so what is checked is what would be stored.
    const checked = checkUpdate(state, update);
    if (checked.ok) expect(checked.text.isWellFormed()).toBe(true);
    else expect(checked.fault).toBe("unstorable");
  });

  it("is refused while what it builds on is missing", () => {
    const doc = docOf(state);
    const updates: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => updates.push(update));
    doc.getText("content").insert(0, "first ");
    doc.getText("content").insert(6, "second ");
    expect(faultOf(updates[1]!)).toBe("missing");
    expect(faultOf(Y.mergeUpdates([updates[1]!]), [...state, updates[0]!])).toBeNull();
    // A client's letters with a gap between them.
    doc.getText("content").insert(13, "third ");
    expect(faultOf(Y.mergeUpdates([updates[0]!, updates[2]!]))).toBe("bad-clock");
    expect(
      faultOf(
        made((_, text) => text.delete(0, 5)),
        [],
      ),
    ).toBe("missing");
  });

  it("is refused for clocks that no person gets to, for its size and for its parts", () => {
    const absurd = Uint8Array.from([1, 1, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 15, 0]);
    expect(["bad-clock", "undecodable"]).toContain(faultOf(absurd));
    expect(faultOf(new Uint8Array(UPDATE_MAX_BYTES + 1))).toBe("too-large");
    const many = made((doc, text) => {
      for (let index = 0; index <= UPDATE_MAX_STRUCTS; index++) text.insert(0, "x");
      doc.gc = false;
    });
    expect(faultOf(many)).toBe("too-many-parts");
  });

  it("can still make a text shorter that two regions filled past the limit", () => {
    const full = [seedUpdate("d", "x".repeat(CONTENT_MAX + 10)).update];
    expect(
      faultOf(
        made((_, text) => text.insert(0, "y"), full),
        full,
      ),
    ).toBe("too-long");
    expect(
      faultOf(
        made((_, text) => text.delete(0, 5), full),
        full,
      ),
    ).toBeNull();
  });
});

describe("base64", () => {
  it("is taken in its one canonical form", () => {
    expect(parseUpdate(toBase64(state[0]!))).toEqual(state[0]);
    for (const text of [null, 7, "", "a", "====", "AA=A", "AB==", "A A=", "_-__", "é"]) {
      expect(parseUpdate(text)).toBe("not-base64");
    }
    expect(parseUpdate("A".repeat(UPDATE_MAX_BYTES * 2))).toBe("too-large");
  });
});

describe(`hostile bytes (seed ${SEED})`, () => {
  const honest = [
    made((_, text) => text.insert(3, "inserted 🧭 text")),
    made((_, text) => text.delete(2, 9)),
    made((doc, text) => {
      for (let index = 0; index < 20; index++) text.insert(index * 2, `${index}`);
      doc.getText("content").delete(0, 3);
    }),
    Y.encodeStateAsUpdate(docOf(state)),
  ];
  const before = textOf(state);

  function harmless(update: Uint8Array): void {
    const bytes = update.slice();
    const started = performance.now();
    const checked = checkUpdate(state, update);
    expect(performance.now() - started).toBeLessThan(LONGEST_MS);
    expect(update).toEqual(bytes);
    expect(textOf(state)).toBe(before);
    if (!checked.ok) return;
    // What was accepted is what everybody will read.
    expect(textOf([...state, update])).toBe(checked.text);
    expect(checked.text.length).toBeLessThanOrEqual(CONTENT_MAX);
    expect(checked.text.isWellFormed() && !checked.text.includes("\0")).toBe(true);
  }

  it("cut off anywhere", () => {
    for (const update of honest) {
      for (let length = 0; length < update.length; length++) harmless(update.slice(0, length));
    }
  });

  it("with any bit turned over", () => {
    for (const update of honest) {
      for (let bit = 0; bit < update.length * 8; bit++) {
        const turned = update.slice();
        turned[bit >> 3]! ^= 1 << (bit & 7);
        harmless(turned);
      }
    }
  });

  it("at random, and with the largest numbers in any place", () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(honest.length - 1),
        fc.nat(400),
        (random, which, place) => {
          harmless(random);
          const update = honest[which]!;
          const at = place % update.length;
          harmless(Uint8Array.from([...update.slice(0, at), ...huge, ...update.slice(at + 1)]));
          harmless(Uint8Array.from([...update.slice(0, at), ...random, ...update.slice(at)]));
        },
      ),
      { seed: SEED, numRuns: 1_000, verbose: 1 },
    );
  });

  it("made to be slow to place: all parts at one place, each with neighbours of its own", () => {
    // Every client inserts at the start of the same text, not knowing of the others.
    const parts = Array.from({ length: UPDATE_MAX_STRUCTS }, (_, index) => {
      const doc = new Y.Doc();
      doc.clientID = 1 + ((index * 7919) % 1_000_003);
      Y.applyUpdate(doc, state[0]!);
      doc.getText("content").insert(0, "x");
      return Y.encodeStateAsUpdate(doc, Y.encodeStateVectorFromUpdate(state[0]!));
    });
    harmless(Y.mergeUpdates(parts));
  });
});

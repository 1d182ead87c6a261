import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SETTLED_AFTER_MS } from "@/lib/db/regions/floors";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import {
  decodeKept,
  encodeKept,
  isServable,
  KEPT_WITHIN_MS,
  type CacheKey,
} from "@/lib/db/sessions/kept-answers";
import { NOTHING, toPosition, type Positions } from "@/lib/db/sessions/positions";

const EU = "eu-west-1" as RegionId;
const KEY: CacheKey = { entity: "Document", id: "d", variant: "row" };
const upTo = (actor: string, position: bigint): Positions =>
  new Map([[actor as Actor, toPosition(position)]]);
const ROW = {
  id: "d",
  title: "Ü\n|",
  position: 2n ** 62n,
  at: new Date(5),
  clock: { "us-east-1": 3 },
  none: null,
};
const ANSWER = { data: ROW, had: upTo("us-east-1#2", 2n ** 62n), shown: upTo("us-east-1#2", 9n) };
const encode = (answer: { data: unknown; had: Positions; shown: Positions } = ANSWER) =>
  encodeKept("secret", EU, KEY, answer);

describe("an answer as text", () => {
  it("comes back as it was, 64-bit positions and instants included", () => {
    expect(decodeKept("secret", EU, KEY, encode()!)).toEqual(ANSWER);
    const miss = { data: null, had: NOTHING, shown: NOTHING };
    expect(decodeKept("secret", EU, KEY, encode(miss)!)).toEqual(miss);
  });

  it.each([
    ["of another secret", () => decodeKept("other", EU, KEY, encode()!)],
    ["of another region", () => decodeKept("secret", "us-east-1" as RegionId, KEY, encode()!)],
    ["of another row", () => decodeKept("secret", EU, { ...KEY, id: "e" }, encode()!)],
    ["of another reader", () => decodeKept("secret", EU, { ...KEY, variant: "x" }, encode()!)],
  ])("is not taken for that %s", (_, decode) => {
    expect(decode()).toBeNull();
  });

  it("is not taken with one character changed", () => {
    const text = encode()!;
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, char) => {
          const changed = text.slice(0, at) + char + text.slice(at + 1);
          fc.pre(changed !== text);
          expect(decodeKept("secret", EU, KEY, changed)).toBeNull();
        },
      ),
    );
  });

  it("is null for garbage, whatever it is", () => {
    fc.assert(fc.property(fc.string(), (text) => decodeKept("secret", EU, KEY, text) === null));
    expect(decodeKept("secret", EU, KEY, "\n\n")).toBeNull();
  });

  it("is not taken from another version of the application, whose signature is right", () => {
    const line = encode()!.split("\n")[0]!;
    for (const body of ["[1,", "{}", '[{"data":1},2]', "[7]"]) {
      const place = [EU, KEY.entity, KEY.id, KEY.variant];
      const signature = createHmac("sha256", "secret")
        .update(JSON.stringify(["meridian-kept-v1", ...place, line]))
        .update(body)
        .digest("base64url");
      expect(decodeKept("secret", EU, KEY, `${line}\n${signature}\n${body}`)).toBeNull();
    }
  });

  it("is not made of what is too long or more than data", () => {
    expect(encode({ ...ANSWER, data: "x".repeat(64 * 1024) })).toBeNull();
    expect(encode({ ...ANSWER, data: { run: () => 1 } })).toBeNull();
  });
});

describe("whom an answer may be shown to", () => {
  const kept = { had: new Map([...upTo("us-east-1", 7n), ...upTo("eu-west-1", 3n)]) };

  it("is whoever asks for no more than it has, while it has what its region had a moment ago", () => {
    expect(isServable(kept, NOTHING, NOTHING)).toBe(true);
    expect(isServable(kept, upTo("us-east-1", 7n), upTo("eu-west-1", 3n))).toBe(true);
  });

  it("is nobody who wrote or saw something later", () => {
    expect(isServable(kept, upTo("us-east-1", 8n), NOTHING)).toBe(false);
    expect(isServable(kept, upTo("us-east-1#1", 1n), NOTHING)).toBe(false);
  });

  it("is nobody once its region has said that it has more, nor where it says nothing", () => {
    expect(isServable(kept, NOTHING, upTo("us-east-1", 8n))).toBe(false);
    expect(isServable(kept, NOTHING, null)).toBe(false);
  });

  it("is nobody who has forgotten what the answer lacks: that takes longer than it is kept", () => {
    expect(SETTLED_AFTER_MS).toBeGreaterThanOrEqual(2 * KEPT_WITHIN_MS);
  });
});

import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Actor } from "@/lib/db/regions/region-id";
import { toPosition, type Position, type Positions } from "@/lib/db/sessions/positions";
import {
  issueToken,
  MAX_TOKEN_LENGTH,
  mergeTokens,
  parseToken,
  TOKEN_LIFETIME_MS,
  type SessionToken,
  type TokenKeys,
} from "@/lib/db/sessions/token";
import { actor, positions } from "@/__tests__/support/overviews";

const NOW = Date.UTC(2026, 10, 23);
const KEYS: TokenKeys = [{ id: "1", secret: "first-secret-of-the-tests-0123456789" }];
const OWNER = { userId: "user-1", sessionId: "session-1" };
const SOME = positions({ "us-east-1": 2n ** 60n + 7n, "eu-west-1#2": 12n });

function issued(at: Positions = SOME, owner = OWNER, keys = KEYS): string {
  const token = issueToken(keys, owner, at, NOW);
  if (token === null) throw new Error("The token does not fit");
  return token;
}

const parse = (text: string | null | undefined, owner = OWNER, keys = KEYS, nowMs = NOW) =>
  parseToken(keys, owner, text, nowMs);

const INVALID = (problem: string) => ({ kind: "invalid", problem });

describe("a token that was issued", () => {
  const some = fc
    .uniqueArray(
      fc.tuple(
        fc.constantFrom("us-east-1", "eu-west-1", "eu-west-1#3", "ap-southeast-1").map(actor),
        fc.bigInt(0n, 2n ** 63n - 1n).map((value) => toPosition(value)),
      ),
      { selector: ([name]) => name },
    )
    .map((entries): Positions => new Map<Actor, Position>(entries));
  const name = fc.string({ unit: "binary", maxLength: 80 });

  test("comes back as it was, whoever owns it", () => {
    fc.assert(
      fc.property(
        some,
        name,
        name,
        fc.nat(TOKEN_LIFETIME_MS - 1),
        (at, userId, sessionId, laterMs) => {
          const owner = { userId, sessionId };
          expect(parse(issued(at, owner), owner, KEYS, NOW + laterMs)).toEqual({
            kind: "valid",
            positions: at,
          });
        },
      ),
    );
  });

  test("is made of characters that a cookie carries as they are", () => {
    expect(issued()).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
  });

  test("does not show who owns it", () => {
    const [body = ""] = issued().split(".");
    const payload = Buffer.from(body, "base64url").toString();
    expect(payload).not.toContain(OWNER.userId);
    expect(payload).not.toContain(OWNER.sessionId);
  });

  test("holds every region of three in a rebuilt incarnation at the greatest position", () => {
    const max = 2n ** 63n - 1n;
    const token = issued(
      positions({
        "us-east-1#999999999": max,
        "eu-west-1#999999999": max,
        "ap-southeast-1#999999999": max,
      }),
    );
    expect(token.length).toBeLessThanOrEqual(512);
  });

  test("is never longer than 512 characters: what does not fit is not issued", () => {
    const outcomes = new Set<boolean>();
    for (let regions = 0; regions <= 32; regions++) {
      const at = positions(
        Object.fromEntries(
          Array.from({ length: regions }, (_, index) => [`region-${index}`, 10n ** 18n]),
        ),
      );
      const token = issueToken(KEYS, OWNER, at, NOW);
      outcomes.add(token === null);
      if (token === null) continue;
      expect(token.length).toBeLessThanOrEqual(512);
      expect(parse(token)).toEqual({ kind: "valid", positions: at });
    }
    expect(outcomes).toEqual(new Set([true, false]));
    expect(MAX_TOKEN_LENGTH).toBe(512);
  });

  test("needs a key", () => {
    expect(() => issueToken([], OWNER, SOME, NOW)).toThrow(RangeError);
  });
});

describe("a token that was changed", () => {
  const token = issued();
  const believedOf = (texts: Iterable<string>) => {
    const believed: string[] = [];
    for (const text of texts) if (parse(text).kind === "valid") believed.push(text);
    return believed.slice(0, 3);
  };

  test("in any one character, to any other", () => {
    const alphabet = [
      ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
      ..."+/=.%;, \n\0é💥",
    ];
    function* mutations() {
      for (let at = 0; at < token.length; at++) {
        for (const other of alphabet) {
          if (other !== token[at]) yield token.slice(0, at) + other + token.slice(at + 1);
        }
      }
    }
    expect(believedOf(mutations())).toEqual([]);
  });

  test("by one character more, anywhere", () => {
    function* insertions() {
      for (let at = 0; at <= token.length; at++) {
        for (const extra of ["A", "=", ".", " ", "\n", "!", "é"]) {
          yield token.slice(0, at) + extra + token.slice(at);
        }
      }
    }
    expect(believedOf(insertions())).toEqual([]);
  });

  test("by characters missing from its end, its start or within", () => {
    function* cuts() {
      for (let at = 1; at < token.length; at++) yield* [token.slice(0, at), token.slice(at)];
      for (let at = 0; at < token.length; at++) yield token.slice(0, at) + token.slice(at + 1);
    }
    expect(believedOf(cuts())).toEqual([]);
  });

  test("by two halves of two tokens", () => {
    const other = issued(positions({ "us-east-1": 1n }));
    const [body, signature] = token.split(".");
    const [otherBody, otherSignature] = other.split(".");
    expect(parse(`${body}.${otherSignature}`)).toEqual(INVALID("forged"));
    expect(parse(`${otherBody}.${signature}`)).toEqual(INVALID("forged"));
  });
});

describe("a token of someone else", () => {
  test.each([
    ["another user", { ...OWNER, userId: "user-2" }],
    ["another session of the user", { ...OWNER, sessionId: "session-2" }],
    ["both the other way round", { userId: OWNER.sessionId, sessionId: OWNER.userId }],
    ["an empty name", { userId: "", sessionId: "" }],
  ])("%s", (_name, owner) => {
    expect(parse(issued(), owner)).toEqual(INVALID("foreign"));
  });

  test("names that are the same when joined are not the same owner", () => {
    const token = issued(SOME, { userId: "ab", sessionId: "c" });
    expect(parse(token, { userId: "a", sessionId: "bc" })).toEqual(INVALID("foreign"));
    const quoted = issued(SOME, { userId: 'a","b', sessionId: "c" });
    expect(parse(quoted, { userId: "a", sessionId: 'b","c' })).toEqual(INVALID("foreign"));
  });
});

test("a token lasts for its lifetime and not a millisecond longer", () => {
  expect(parse(issued(), OWNER, KEYS, NOW + TOKEN_LIFETIME_MS - 1).kind).toBe("valid");
  expect(parse(issued(), OWNER, KEYS, NOW + TOKEN_LIFETIME_MS)).toEqual(INVALID("expired"));
});

describe("keys", () => {
  const NEXT = { id: "2", secret: "second-secret-of-the-tests-012345678" };
  const rotated: TokenKeys = [NEXT, ...KEYS];

  test("a token of the former key is believed while that key is kept", () => {
    expect(parse(issued(), OWNER, rotated).kind).toBe("valid");
    expect(parse(issued(), OWNER, [NEXT])).toEqual(INVALID("forged"));
  });

  test("the first key signs", () => {
    const token = issued(SOME, OWNER, rotated);
    expect(parse(token, OWNER, [NEXT]).kind).toBe("valid");
    expect(parse(token, OWNER, KEYS)).toEqual(INVALID("forged"));
  });

  test("an id with another secret behind it is another key", () => {
    expect(parse(issued(), OWNER, [{ id: "1", secret: NEXT.secret }])).toEqual(INVALID("forged"));
    expect(parse(issued(), OWNER, [])).toEqual(INVALID("forged"));
  });
});

describe("what is no token", () => {
  test.each([null, undefined, ""])("%j: none was brought", (text) => {
    expect(parse(text)).toEqual({ kind: "none" });
  });

  test("longer than any that was issued: not looked at", () => {
    expect(parse("A".repeat(513))).toEqual(INVALID("oversized"));
    expect(parse(`${issued()}${"A".repeat(512)}`)).toEqual(INVALID("oversized"));
    expect(parse("A".repeat(50_000_000))).toEqual(INVALID("oversized"));
    expect(parse("A".repeat(512))).toEqual(INVALID("malformed"));
  });

  test.each([".", "..", "a.", ".a", "a.b.c", "null", "{}", "e30.e30", "%2E", "\0", "💥.💥"])(
    "%j is malformed",
    (text) => {
      expect(parse(text)).toEqual(INVALID("malformed"));
    },
  );

  test("any text at all is answered, and not believed", () => {
    const pieces = fc.array(fc.string({ unit: "binary", maxLength: 60 }), { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.oneof(
          pieces.map((all) => all.join(".")),
          fc.base64String(),
        ),
        (text) => {
          expect(parse(text).kind).toBe(text === "" ? "none" : "invalid");
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

/** As if the secret had leaked, or an older version of the code had signed something else. */
describe("a payload that is signed and still not a token's", () => {
  const key = KEYS[0] as TokenKeys[number];
  const [body = ""] = issued().split(".");
  const payload = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;

  function signed(text: string): string {
    const encoded = Buffer.from(text).toString("base64url");
    const mac = createHmac("sha256", key.secret).update(`meridian-session-v1.${encoded}`);
    return `${encoded}.${mac.digest("base64url")}`;
  }

  test("the way it is signed here is the right one", () => {
    expect(parse(signed(JSON.stringify(payload)))).toEqual({ kind: "valid", positions: SOME });
  });

  test.each([
    ["no JSON", "{"],
    ["null", "null"],
    ["an array", "[]"],
    ["nothing", "{}"],
    ["one field more", JSON.stringify({ ...payload, admin: true })],
    ["no expiry", JSON.stringify({ ...payload, e: undefined })],
    ["an expiry that is text", JSON.stringify({ ...payload, e: "never" })],
    ["an expiry before the epoch", JSON.stringify({ ...payload, e: -1 })],
    ["an expiry past all numbers", JSON.stringify(payload).replace(/"e":\d+/, '"e":1e999')],
    ["positions as an array", JSON.stringify({ ...payload, p: ["1"] })],
    ["a position as a number", JSON.stringify({ ...payload, p: { "us-east-1": 1 } })],
    ["a negative position", JSON.stringify({ ...payload, p: { "us-east-1": "-1" } })],
    ["a position of 2^63", JSON.stringify({ ...payload, p: { "us-east-1": String(2n ** 63n) } })],
    ["an actor that is none", JSON.stringify({ ...payload, p: { "US EAST": "1" } })],
    ["no key id", JSON.stringify({ ...payload, k: null })],
  ])("%s", (_name, text) => {
    expect(parse(signed(text))).toEqual(INVALID("malformed"));
  });

  test("a key id that nobody has", () => {
    expect(parse(signed(JSON.stringify({ ...payload, k: "9" })))).toEqual(INVALID("forged"));
  });
});

describe("mergeTokens", () => {
  const none: SessionToken = { kind: "none" };
  const invalid: SessionToken = { kind: "invalid", problem: "forged" };
  const valid = (at: Record<string, bigint>): SessionToken => ({
    kind: "valid",
    positions: positions(at),
  });

  test("has seen what either has seen", () => {
    expect(
      mergeTokens(valid({ "us-east-1": 3n }), valid({ "us-east-1": 2n, "eu-west-1": 1n })),
    ).toEqual(valid({ "us-east-1": 3n, "eu-west-1": 1n }));
    expect(mergeTokens(none, valid({ "us-east-1": 3n }))).toEqual(valid({ "us-east-1": 3n }));
    expect(mergeTokens(valid({ "us-east-1": 3n }), none)).toEqual(valid({ "us-east-1": 3n }));
    expect(mergeTokens(none, none)).toEqual(none);
  });

  test("one that is not believed makes both go to the leader", () => {
    for (const other of [none, invalid, valid({ "us-east-1": 3n })]) {
      expect(mergeTokens(invalid, other)).toEqual(invalid);
      expect(mergeTokens(other, invalid)).toEqual(invalid);
    }
  });
});

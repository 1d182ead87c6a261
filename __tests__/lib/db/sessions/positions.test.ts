import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Actor } from "@/lib/db/regions/region-id";
import {
  mergePositions,
  missingPositions,
  parsePosition,
  positionsFromJson,
  positionsOf,
  positionsToJson,
  toPosition,
  type Position,
  type Positions,
} from "@/lib/db/sessions/positions";
import { actor, positions } from "@/__tests__/support/overviews";

const MAX = 2n ** 63n - 1n;
const actorName = fc
  .constantFrom("us-east-1", "eu-west-1", "eu-west-1#3", "ap-southeast-1")
  .map(actor);
const position = fc.oneof(fc.bigInt(1n, 5n), fc.bigInt(1n, MAX)).map((value) => toPosition(value));
const some: fc.Arbitrary<Positions> = fc
  .uniqueArray(fc.tuple(actorName, position), { selector: ([name]) => name })
  .map((entries) => new Map<Actor, Position>(entries));

const covers = (applied: Positions, required: Positions) =>
  missingPositions(required, applied).size === 0;
const json = (of: Positions) => positionsToJson(of);

describe("a position as text", () => {
  test("goes there and back, past 2^53 too", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, MAX), (value) => {
        expect(parsePosition(value.toString())).toBe(value);
        expect(toPosition(value)).toBe(value);
        expect(toPosition(value.toString())).toBe(value);
      }),
    );
    expect(parsePosition("0")).toBe(0n);
    expect(parsePosition(MAX.toString())).toBe(MAX);
  });

  test.each([
    "",
    " ",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x10",
    "1n",
    " 1",
    "1\n",
    "١",
    "NaN",
    (MAX + 1n).toString(),
    "9".repeat(20),
    "1".repeat(100_000),
  ])("refuses %.30s", (text) => {
    expect(parsePosition(text)).toBeNull();
    expect(() => toPosition(text)).toThrow(RangeError);
  });

  test("a number that no transaction has is refused as a bigint too", () => {
    expect(() => toPosition(-1n)).toThrow(RangeError);
    expect(() => toPosition(MAX + 1n)).toThrow(RangeError);
  });
});

describe("positions as JSON", () => {
  test("go there and back", () => {
    fc.assert(
      fc.property(some, (value) => {
        const text = JSON.stringify(positionsToJson(value));
        expect(positionsFromJson(JSON.parse(text) as Record<string, string>)).toEqual(value);
      }),
    );
  });

  test.each([
    [{ "us-east-1": "1", "eu-west-1": "-1" }],
    [{ "us-east-1": "1", "not an actor": "1" }],
    [{ "us-east-1": 1 }],
    [{ "us-east-1": null }],
    [{ "us-east-1": ["1"] }],
    [JSON.parse('{"__proto__": "1"}')],
    [{ constructor: "one" }],
  ])("one bad entry spoils %j", (value) => {
    expect(positionsFromJson(value as Record<string, string>)).toBeNull();
  });
});

describe("mergePositions", () => {
  test("is a join: commutative, associative, idempotent, nothing is its unit", () => {
    fc.assert(
      fc.property(some, some, some, (a, b, c) => {
        expect(mergePositions(a, b)).toEqual(mergePositions(b, a));
        expect(mergePositions(mergePositions(a, b), c)).toEqual(mergePositions(a, b, c));
        expect(mergePositions(a, mergePositions(b, c))).toEqual(mergePositions(a, b, c));
        expect(mergePositions(a, a)).toEqual(a);
        expect(mergePositions(a, new Map())).toEqual(a);
        expect(mergePositions()).toEqual(new Map());
      }),
    );
  });

  test("is the least that covers all, and changes none of them", () => {
    fc.assert(
      fc.property(some, some, (a, b) => {
        const before = [json(a), json(b)];
        const join = mergePositions(a, b);
        expect([json(a), json(b)]).toEqual(before);
        expect(covers(join, a) && covers(join, b)).toBe(true);
        for (const [name, value] of join) expect([a.get(name), b.get(name)]).toContain(value);
      }),
    );
  });
});

describe("missingPositions", () => {
  test("names what is not covered, and nothing else", () => {
    expect(
      json(
        missingPositions(
          positions({ "us-east-1": 5n, "eu-west-1": 6n, "ap-southeast-1": 1n }),
          positions({ "us-east-1": 5n, "eu-west-1": 5n }),
        ),
      ),
    ).toEqual({ "eu-west-1": "6", "ap-southeast-1": "1" });
  });

  test("differences of one count past 2^53", () => {
    const big = 2n ** 60n;
    expect(covers(positions({ "us-east-1": big }), positions({ "us-east-1": big + 1n }))).toBe(
      false,
    );
    expect(covers(positions({ "us-east-1": big + 1n }), positions({ "us-east-1": big }))).toBe(
      true,
    );
  });

  test("applying what was missing leaves nothing missing; more applied never means more missing", () => {
    fc.assert(
      fc.property(some, some, some, (required, applied, more) => {
        const missing = missingPositions(required, applied);
        expect(covers(mergePositions(applied, missing), required)).toBe(true);
        for (const [name, value] of missing) expect(required.get(name)).toBe(value);
        const later = missingPositions(required, mergePositions(applied, more));
        for (const name of later.keys()) expect(missing.has(name)).toBe(true);
      }),
    );
  });

  test("another incarnation covers nothing", () => {
    expect(covers(positions({ "eu-west-1#1": 9n }), positions({ "eu-west-1": 1n }))).toBe(false);
  });

  // A region that never wrote shows position 0, and a database gets a cursor with the first event.
  test("position 0 asks for nothing, so a region without that cursor covers it", () => {
    expect(covers(new Map(), positions({ "eu-west-1": 0n }))).toBe(true);
  });
});

describe("positionsOf", () => {
  const row = (origin: unknown, value: unknown) => ({ id: "x", origin, position: value });

  test("a row, an array, an object of both, each to its greatest position", () => {
    expect(json(positionsOf(row("us-east-1", 4n)))).toEqual({ "us-east-1": "4" });
    expect(
      json(
        positionsOf([
          row("us-east-1", 4n),
          row("us-east-1", 9n),
          row("eu-west-1", 2n),
          row("us-east-1", 5n),
        ]),
      ),
    ).toEqual({ "us-east-1": "9", "eu-west-1": "2" });
    expect(
      json(
        positionsOf({
          document: row("us-east-1", 4n),
          versions: [row("us-east-1", 3n), row("eu-west-1#2", 8n)],
          missing: null,
          total: 3,
        }),
      ),
    ).toEqual({ "us-east-1": "4", "eu-west-1#2": "8" });
  });

  test.each([
    [null],
    [undefined],
    [7],
    ["us-east-1"],
    [[]],
    [{}],
    [[null, undefined, 7, "x"]],
    [row("us-east-1", 4)],
    [row("us-east-1", "4")],
    [row("us-east-1", -1n)],
    [row("us-east-1", 2n ** 63n)],
    [row("not an actor", 4n)],
    [row(null, 4n)],
    [{ position: 4n }],
  ])("nothing in %o", (value) => {
    expect(positionsOf(value).size).toBe(0);
  });
});

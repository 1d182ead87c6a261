import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareClocks,
  incrementClock,
  mergeClocks,
  parseClock,
  type ClockOrder,
  type VectorClock,
} from "@/lib/db/conflicts/vector-clock";
import { isActor } from "@/lib/db/regions/region-id";

/** Names of Object.prototype among them: none may be mistaken for a count. */
const ACTORS = [
  "us-east-1",
  "ap-southeast-1",
  "eu-west-1#2",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
];

const actorName = fc.constantFrom(...ACTORS);
const clock: fc.Arbitrary<VectorClock> = fc
  .uniqueArray(fc.tuple(actorName, fc.oneof(fc.nat(3), fc.maxSafeNat())), {
    selector: ([name]) => name,
  })
  .map((entries) => Object.fromEntries(entries));

const count = (of: VectorClock, name: string) => (Object.hasOwn(of, name) ? (of[name] ?? 0) : 0);
const covers = (a: VectorClock, b: VectorClock) =>
  ACTORS.every((name) => count(a, name) >= count(b, name));
const equal = (a: VectorClock, b: VectorClock) => compareClocks(a, b) === "equal";

const MIRRORED: Record<ClockOrder, ClockOrder> = {
  before: "after",
  after: "before",
  equal: "equal",
  concurrent: "concurrent",
};

describe("compareClocks", () => {
  test.each([
    [{}, {}, "equal"],
    [{ a: 1 }, { a: 1 }, "equal"],
    [{ a: 0 }, {}, "equal"],
    [{}, { a: 1 }, "before"],
    [{ a: 1 }, { a: 2 }, "before"],
    [{ a: 1, b: 1 }, { a: 1 }, "after"],
    [{ a: 2, b: 1 }, { a: 1, b: 2 }, "concurrent"],
    [{ a: 1 }, { b: 1 }, "concurrent"],
    [{ a: 2 ** 53 - 2 }, { a: 2 ** 53 - 1 }, "before"],
  ] as const)("%j and %j", (a, b, order) => {
    expect(compareClocks(a, b)).toBe(order);
  });

  test("says what covering in both directions says", () => {
    fc.assert(
      fc.property(clock, clock, (a, b) => {
        const [ab, ba] = [covers(a, b), covers(b, a)];
        const expected = ab && ba ? "equal" : ab ? "after" : ba ? "before" : "concurrent";
        expect(compareClocks(a, b)).toBe(expected);
      }),
    );
  });

  test("is a partial order: reflexive, mirrored, transitive", () => {
    fc.assert(
      fc.property(clock, clock, clock, (a, b, c) => {
        expect(compareClocks(a, a)).toBe("equal");
        expect(compareClocks(b, a)).toBe(MIRRORED[compareClocks(a, b)]);
        // A chain of three, so that the premise is not vacuous.
        const [low, middle, high] = [a, mergeClocks(a, b), mergeClocks(mergeClocks(a, b), c)];
        expect(["before", "equal"]).toContain(compareClocks(low, middle));
        expect(["before", "equal"]).toContain(compareClocks(middle, high));
        expect(["before", "equal"]).toContain(compareClocks(low, high));
      }),
    );
  });
});

describe("incrementClock", () => {
  test("makes a version that includes the one before, and leaves that one alone", () => {
    fc.assert(
      fc.property(clock, actorName, (before, name) => {
        fc.pre(count(before, name) < Number.MAX_SAFE_INTEGER);
        const copy = structuredClone(Object.entries(before));
        const after = incrementClock(before, name);
        expect(Object.entries(before)).toEqual(copy);
        expect(compareClocks(before, after)).toBe("before");
        expect(count(after, name)).toBe(count(before, name) + 1);
        for (const other of ACTORS.filter((each) => each !== name)) {
          expect(count(after, other)).toBe(count(before, other));
        }
      }),
    );
  });

  test("two regions that write at once are concurrent", () => {
    const base = { "us-east-1": 4, "eu-west-1": 2 };
    const [us, eu] = [incrementClock(base, "us-east-1"), incrementClock(base, "eu-west-1")];
    expect(compareClocks(us, eu)).toBe("concurrent");
    expect(compareClocks(us, incrementClock(mergeClocks(us, eu), "eu-west-1"))).toBe("before");
  });

  test("an incarnation counts for itself", () => {
    expect(incrementClock({ "eu-west-1": 7 }, "eu-west-1#1")).toEqual({
      "eu-west-1": 7,
      "eu-west-1#1": 1,
    });
  });
});

describe("mergeClocks", () => {
  test("is commutative, associative and idempotent", () => {
    fc.assert(
      fc.property(clock, clock, clock, (a, b, c) => {
        expect(equal(mergeClocks(a, b), mergeClocks(b, a))).toBe(true);
        expect(equal(mergeClocks(mergeClocks(a, b), c), mergeClocks(a, mergeClocks(b, c)))).toBe(
          true,
        );
        expect(equal(mergeClocks(a, a), a)).toBe(true);
        expect(equal(mergeClocks(a, {}), a)).toBe(true);
      }),
    );
  });

  test("is the least clock that includes both", () => {
    fc.assert(
      fc.property(clock, clock, clock, (a, b, upper) => {
        const join = mergeClocks(a, b);
        expect(covers(join, a) && covers(join, b)).toBe(true);
        const bound = mergeClocks(join, upper);
        expect(covers(bound, a) && covers(bound, b) && covers(bound, join)).toBe(true);
        for (const name of ACTORS) {
          expect([count(a, name), count(b, name)]).toContain(count(join, name));
        }
      }),
    );
  });
});

describe("actors with the names of properties of every object", () => {
  const own = JSON.parse('{"__proto__": 3}') as VectorClock;

  test("are counted from 0", () => {
    for (const name of ["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty"]) {
      const once = incrementClock({}, name);
      expect(Object.getOwnPropertyDescriptor(once, name)?.value).toBe(1);
      expect(Object.getPrototypeOf(once)).toBe(Object.prototype);
      expect(compareClocks({}, once)).toBe("before");
      expect(compareClocks(once, {})).toBe("after");
    }
  });

  test("are joined and kept", () => {
    expect(Object.entries(mergeClocks(own, { a: 1 }))).toEqual([
      ["__proto__", 3],
      ["a", 1],
    ]);
    // A client's clock has actors only.
    expect(parseClock(own)).toBeNull();
    expect(compareClocks(own, incrementClock(own, "__proto__"))).toBe("before");
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });
});

describe("parseClock", () => {
  test("takes what JSON brings of a clock", () => {
    fc.assert(
      fc.property(clock, (value) => {
        const parsed = parseClock(JSON.parse(JSON.stringify(value)));
        const onlyActors = Object.keys(value).every((name) => isActor(name));
        expect(parsed && Object.entries(parsed)).toEqual(onlyActors ? Object.entries(value) : null);
      }),
    );
  });

  test.each([
    [null],
    [undefined],
    [0],
    [7n],
    ["{}"],
    [[]],
    [[1, 2]],
    [() => 1],
    [Symbol("clock")],
    [{ a: -1 }],
    [{ a: 1.5 }],
    [{ a: "1" }],
    [{ a: 1n }],
    [{ a: null }],
    [{ a: undefined }],
    [{ a: true }],
    [{ a: {} }],
    [{ a: [1] }],
    [{ a: NaN }],
    [{ a: Infinity }],
    [{ a: 2 ** 53 }],
    [{ a: 1, b: -1 }],
    [Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`a${index}`, 1]))],
  ])("refuses %o", (value) => {
    expect(parseClock(value)).toBeNull();
  });

  test("takes 64 entries and no more", () => {
    const of = (size: number) =>
      Object.fromEntries(Array.from({ length: size }, (_, i) => [`a${i}`, 1]));
    expect(parseClock(of(64))).toEqual(of(64));
    expect(parseClock(of(65))).toBeNull();
  });

  test("gives back a copy, or null, whatever it gets", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (value) => {
        const parsed = parseClock(value);
        if (parsed === null) return;
        expect(parsed).not.toBe(value);
        expect(Object.values(parsed).every((each) => Number.isSafeInteger(each) && each >= 0)).toBe(
          true,
        );
      }),
      { numRuns: 500 },
    );
  });
});

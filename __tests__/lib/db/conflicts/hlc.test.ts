import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareStamps,
  hlcCounter,
  hlcMs,
  nextHlc,
  toHlc,
  type Hlc,
  type Stamp,
} from "@/lib/db/conflicts/hlc";

const NOW = Date.UTC(2026, 10, 23);
const nowMs = fc.integer({ min: 0, max: 2 ** 44 });
const hlc = fc.bigInt(0n, 2n ** 63n - 1n).map((value) => toHlc(value));
const stamp: fc.Arbitrary<Stamp> = fc.record({
  hlc: fc.oneof(
    hlc,
    fc.bigInt(0n, 3n).map((value) => toHlc(value)),
  ),
  origin: fc.constantFrom("ap-southeast-1", "eu-west-1", "eu-west-1#1", "us-east-1"),
});

describe("nextHlc", () => {
  test("is the time, with a counter of 0, for the first write", () => {
    const first = nextHlc(null, NOW + 0.9);
    expect(first).toBe(BigInt(NOW) << 16n);
    expect([hlcMs(first), hlcCounter(first)]).toEqual([NOW, 0]);
  });

  test("grows whatever the clock does", () => {
    fc.assert(
      fc.property(fc.array(nowMs, { minLength: 2, maxLength: 50 }), (times) => {
        let last: Hlc | null = null;
        for (const time of times) {
          const next: Hlc = nextHlc(last, time);
          if (last !== null) expect(next > last).toBe(true);
          expect(hlcMs(next)).toBeGreaterThanOrEqual(time);
          last = next;
        }
      }),
    );
  });

  test("never runs ahead of the greatest clock it has seen, but for the counter", () => {
    fc.assert(
      fc.property(fc.array(nowMs, { minLength: 1, maxLength: 50 }), (times) => {
        const last = times.reduce<Hlc | null>((before, time) => nextHlc(before, time), null);
        expect(hlcMs(last as Hlc)).toBe(Math.max(...times));
      }),
    );
  });

  test("a clock that is set back by a day counts on from the last stamp", () => {
    const before = nextHlc(null, NOW);
    const after = nextHlc(before, NOW - 86_400_000);
    expect([hlcMs(after), hlcCounter(after)]).toEqual([NOW, 1]);
    const later = nextHlc(after, NOW + 1);
    expect([hlcMs(later), hlcCounter(later)]).toEqual([NOW + 1, 0]);
  });

  test("65,536 writes in one ms run over into the next ms and stay in order", () => {
    const full = toHlc((BigInt(NOW) << 16n) | 0xffffn);
    const over = nextHlc(full, NOW);
    expect([hlcMs(over), hlcCounter(over)]).toEqual([NOW + 1, 0]);
    expect(nextHlc(over, NOW + 1) > over).toBe(true);
  });

  test("tells stamps apart that are one number as doubles", () => {
    const a = nextHlc(null, NOW);
    const b = nextHlc(a, NOW);
    expect(a > 2n ** 53n).toBe(true);
    expect(Number(a)).toBe(Number(b));
    expect(b - a).toBe(1n);
    expect(compareStamps({ hlc: a, origin: "x" }, { hlc: b, origin: "x" })).toBe(-1);
  });
});

describe("toHlc", () => {
  test("takes 0 to 2^63 - 1, as a number of the database or as text", () => {
    expect(toHlc(0n)).toBe(0n);
    expect(toHlc("9223372036854775807")).toBe(2n ** 63n - 1n);
    fc.assert(
      fc.property(hlc, (value) => {
        expect(toHlc(value.toString())).toBe(value);
      }),
    );
  });

  test.each([-1n, 2n ** 63n, "-1", "9223372036854775808", "one", "1.5"])("refuses %s", (value) => {
    expect(() => toHlc(value)).toThrow();
  });

  test("comes apart into ms and counter and together again", () => {
    fc.assert(
      fc.property(hlc, (value) => {
        expect((BigInt(hlcMs(value)) << 16n) + BigInt(hlcCounter(value))).toBe(value);
        expect(hlcCounter(value)).toBeLessThan(65_536);
      }),
    );
  });
});

describe("compareStamps", () => {
  test("goes by HLC, and by origin only where that is the same", () => {
    const at = (value: bigint, origin: string) => ({ hlc: toHlc(value), origin });
    expect(compareStamps(at(2n, "a"), at(1n, "b"))).toBe(1);
    expect(compareStamps(at(1n, "a"), at(1n, "b"))).toBe(-1);
    expect(compareStamps(at(1n, "a"), at(1n, "a"))).toBe(0);
  });

  test("is a total order in which two versions never tie", () => {
    fc.assert(
      fc.property(stamp, stamp, stamp, (a, b, c) => {
        expect(compareStamps(a, b)).toBe(0 - compareStamps(b, a));
        expect(compareStamps(a, b) === 0).toBe(a.hlc === b.hlc && a.origin === b.origin);
        const [x, y, z] = [a, b, c].sort(compareStamps) as [Stamp, Stamp, Stamp];
        expect(compareStamps(x, y)).toBeLessThanOrEqual(0);
        expect(compareStamps(y, z)).toBeLessThanOrEqual(0);
        expect(compareStamps(x, z)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test("every order of delivery ends with the same winner", () => {
    const winner = (stamps: readonly Stamp[]) =>
      stamps.reduce((best, next) => (compareStamps(next, best) > 0 ? next : best));
    fc.assert(
      fc.property(
        fc
          .array(stamp, { minLength: 1, maxLength: 8 })
          .chain((stamps) =>
            fc.tuple(
              fc.constant(stamps),
              fc.shuffledSubarray(stamps, { minLength: stamps.length, maxLength: stamps.length }),
            ),
          ),
        ([stamps, shuffled]) => {
          expect(winner(shuffled)).toEqual(winner(stamps));
        },
      ),
    );
  });
});

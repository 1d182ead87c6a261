import { describe, expect, test } from "vitest";
import { parsePolicy } from "@/lib/db/conflicts/policy";
import { checkQuorumSizes, majorityOf, quorumSizes } from "@/lib/db/leaderless/quorum-sizes";
import { ConfigurationError } from "@/lib/errors";

describe("W and R", () => {
  test.each([
    // regions, policy, W, R
    [1, {}, 1, 1],
    [2, {}, 2, 2],
    [3, {}, 2, 2],
    [4, {}, 3, 3],
    [5, {}, 3, 3],
    [3, { write: 1 }, 1, 3],
    [3, { write: 3 }, 3, 2],
    [3, { read: 1 }, 3, 1],
    [3, { write: 3, read: 1 }, 3, 1],
    [5, { write: 4, read: 2 }, 4, 2],
    // Regions were added, or taken away, after the numbers were chosen.
    [4, { write: 2, read: 2 }, 2, 3],
    [2, { write: 3, read: 3 }, 2, 2],
  ])("of %i regions under %j are %i and %i", (regions, policy, write, read) => {
    expect(quorumSizes(parsePolicy(policy), regions)).toEqual({ write, read });
  });

  test("always have a region in common, and are no more than there are", () => {
    for (let regions = 1; regions <= 9; regions++) {
      for (const write of [null, 1, 2, 3, 5, 9]) {
        for (const read of [null, 1, 2, 3, 5, 9]) {
          const sizes = quorumSizes({ write, read }, regions);
          expect(sizes.write + sizes.read).toBeGreaterThan(regions);
          expect(Math.max(sizes.write, sizes.read)).toBeLessThanOrEqual(regions);
          expect(Math.min(sizes.write, sizes.read)).toBeGreaterThan(0);
        }
      }
      expect(2 * majorityOf(regions)).toBeGreaterThan(regions);
    }
  });
});

describe("what is configured", () => {
  const check = (policy: object, regions = 3) =>
    checkQuorumSizes({ Thing: parsePolicy({ topology: "leaderless", ...policy }) }, regions);

  test.each([{}, { write: 3 }, { read: 1 }, { write: 2, read: 2 }, { write: 1, read: 3 }])(
    "is accepted: %j",
    (policy) => {
      expect(() => check(policy)).not.toThrow();
    },
  );

  test("is refused where a read could miss an acknowledged write", () => {
    expect(() => check({ write: 1, read: 2 })).toThrow(ConfigurationError);
    expect(() => check({ write: 1, read: 2 })).toThrow(/Thing .* more than 3/);
    expect(() => check({ write: 2, read: 2 }, 4)).toThrow(/could miss/);
  });

  test("is refused where there are fewer regions", () => {
    expect(() => check({ write: 4 })).toThrow(/not as many/);
    expect(() => check({ read: 4, write: 1 })).toThrow(/not as many/);
  });

  test("says nothing of other topologies", () => {
    expect(() => check({ topology: "multi-leader", write: 1, read: 1 })).not.toThrow();
  });
});

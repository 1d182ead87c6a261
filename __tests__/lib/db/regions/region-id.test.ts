import { describe, expect, test } from "vitest";
import {
  isActor,
  parseRegionIdOf,
  regionOfActor,
  type Actor,
  type RegionId,
} from "@/lib/db/regions/region-id";
import { UnknownRegionError } from "@/lib/errors";

const KNOWN = ["us-east-1", "eu-west-1"] as RegionId[];

describe("isActor", () => {
  test.each(["us-east-1", "a", "0", "eu-west-1#1", "eu-west-1#999999999", "a".repeat(31)])(
    "accepts %s",
    (value) => {
      expect(isActor(value)).toBe(true);
    },
  );

  test.each([
    "",
    "-a",
    "US-EAST-1",
    "eu_west",
    "eu-west-1#0",
    "eu-west-1#01",
    "eu-west-1#",
    "eu-west-1#-1",
    "eu-west-1#1#1",
    "eu-west-1#1000000000",
    "eu-west-1\n",
    "\neu-west-1",
    "eu-west-1 ",
    "a".repeat(32),
    "__proto__",
    "é",
    "a'; DROP TABLE x; --",
  ])("refuses %j", (value) => {
    expect(isActor(value)).toBe(false);
  });
});

test("regionOfActor drops the incarnation alone", () => {
  expect(regionOfActor("eu-west-1" as Actor)).toBe("eu-west-1");
  expect(regionOfActor("eu-west-1#12" as Actor)).toBe("eu-west-1");
});

describe("parseRegionIdOf", () => {
  test("gives a configured region back", () => {
    expect(parseRegionIdOf(KNOWN, "eu-west-1")).toBe("eu-west-1");
  });

  test.each(["", "eu-west-2", "EU-WEST-1", "eu-west-1 ", "eu-west-1#1", "constructor", "length"])(
    "throws for %j and says what is configured",
    (value) => {
      expect(() => parseRegionIdOf(KNOWN, value)).toThrow(UnknownRegionError);
      expect(() => parseRegionIdOf(KNOWN, value)).toThrow("us-east-1, eu-west-1");
    },
  );

  test("a flood of text does not get into the message", () => {
    try {
      parseRegionIdOf(KNOWN, "x".repeat(1_000_000));
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(200);
    }
  });
});

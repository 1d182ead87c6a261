import { describe, expect, it } from "vitest";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { isLoopback, planRegions } from "@/scripts/local/planet-env";
import { oneWayDelayMs } from "@/scripts/local/planet-links";
import { alarmOf } from "@/scripts/local/planet-report";

const [virginia, dublin, singapore] = DEFAULT_REGIONS as [
  (typeof DEFAULT_REGIONS)[number],
  (typeof DEFAULT_REGIONS)[number],
  (typeof DEFAULT_REGIONS)[number],
];

describe("planRegions", () => {
  it("starts every database without an endpoint", () => {
    const regions = planRegions({});
    expect(regions.map(({ entry }) => entry.id)).toEqual([
      "us-east-1",
      "eu-west-1",
      "ap-southeast-1",
    ]);
    expect(regions.every(({ external }) => external === null)).toBe(true);
  });

  it("uses the endpoints given, and starts the rest", () => {
    const [first, second] = planRegions({
      DB_US_EAST_WRITE: "postgresql://a@db/m",
      DB_US_EAST_READ: "postgresql://b@db/m",
      DB_EU_WEST_WRITE: "   ",
    });
    expect(first?.external).toEqual({
      write: "postgresql://a@db/m",
      read: "postgresql://b@db/m",
      direct: "postgresql://a@db/m",
    });
    expect(second?.external).toBeNull();
  });

  it("refuses a region that can only be read", () => {
    expect(() => planRegions({ DB_EU_WEST_READ: "postgresql://a@db/m" })).toThrow(
      "DB_EU_WEST_WRITE is missing",
    );
  });
});

describe("isLoopback", () => {
  it.each([
    ["postgresql://u:p@127.0.0.1:5432/m", true],
    ["postgresql://u:p@localhost/m", true],
    ["postgresql://u:p@[::1]:5432/m", true],
    ["postgresql://u:p@127.0.0.1.example.com/m", false],
    ["postgresql://localhost@db.example.com/m", false],
  ])("%s: %s", (url, expected) => {
    expect(isLoopback(url)).toBe(expected);
  });
});

describe("oneWayDelayMs", () => {
  it.each([
    [virginia, dublin, 38],
    [dublin, virginia, 38],
    [virginia, singapore, 110],
    [singapore, dublin, 85],
    [dublin, dublin, 0],
  ])("is the typical time between default regions", (from, to, expected) => {
    expect(oneWayDelayMs(from, to)).toBe(expected);
  });

  it("is estimated from the distance otherwise", () => {
    const sydney = { ...dublin, id: "ap-southeast-2", latitude: -33.87, longitude: 151.21 };
    expect(oneWayDelayMs(virginia, sydney)).toBeGreaterThan(80);
    expect(oneWayDelayMs(virginia, sydney)).toBeLessThan(180);
  });
});

describe("alarmOf", () => {
  it.each([
    ['{"level":"info","msg":"worker runs"}', undefined],
    ['{"level":"error","msg":"pull failed","err":{"message":"refused"}}', "pull failed: refused"],
    ["TypeError: x is not a function", "TypeError: x is not a function"],
    ["   ", undefined],
    ["{not json", "{not json"],
  ])("%s", (line, expected) => {
    expect(alarmOf(line)).toBe(expected);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  byDistance,
  distanceKm,
  estimatedRoundTripMs,
  parseCoordinates,
  type Coordinates,
} from "@/lib/db/regions/distance";

const place: fc.Arbitrary<Coordinates> = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
});

/** The angle between two unit vectors: another way to the same number. */
function byVectors(a: Coordinates, b: Coordinates): number {
  const vector = ({ latitude, longitude }: Coordinates) => {
    const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
    return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
  };
  const [ax = 0, ay = 0, az = 0] = vector(a);
  const [bx = 0, by = 0, bz = 0] = vector(b);
  const cross = Math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx);
  return 6371 * Math.atan2(cross, ax * bx + ay * by + az * bz);
}

describe("distanceKm", () => {
  test.each([
    ["London to Paris", [51.5074, -0.1278], [48.8566, 2.3522], 343.6],
    ["New York to Los Angeles", [40.6413, -73.7781], [33.9416, -118.4085], 3974],
    ["a degree of the equator", [0, 0], [0, 1], 111.19],
    ["over the date line", [0, 179.9], [0, -179.9], 22.24],
    ["pole to pole", [90, 12], [-90, -77], 20015.1],
    ["antipodes", [0, 0], [0, 180], 20015.1],
  ] as const)("%s", (_name, [latA, lonA], [latB, lonB], km) => {
    const found = distanceKm(
      { latitude: latA, longitude: lonA },
      { latitude: latB, longitude: lonB },
    );
    expect(Math.abs(found - km) / km).toBeLessThan(0.001);
  });

  test("every meridian meets in a pole", () => {
    expect(
      distanceKm({ latitude: 90, longitude: -120 }, { latitude: 90, longitude: 60 }),
    ).toBeCloseTo(0, 6);
  });

  test("agrees with the angle between vectors", () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        expect(distanceKm(a, b)).toBeCloseTo(byVectors(a, b), 2);
      }),
    );
  });

  test("is a metric: zero to itself, symmetric, no detour is shorter", () => {
    fc.assert(
      fc.property(place, place, place, (a, b, c) => {
        expect(distanceKm(a, a)).toBe(0);
        expect(distanceKm(a, b)).toBe(distanceKm(b, a));
        expect(distanceKm(a, c)).toBeLessThanOrEqual(distanceKm(a, b) + distanceKm(b, c) + 1e-3);
        expect(distanceKm(a, b)).toBeLessThanOrEqual(Math.PI * 6371 + 1e-9);
      }),
    );
  });
});

describe("estimatedRoundTripMs", () => {
  test("is not zero next door and grows with the distance", () => {
    expect(estimatedRoundTripMs(0)).toBe(1);
    expect(estimatedRoundTripMs(5_500)).toBeCloseTo(78, 9);
    fc.assert(
      fc.property(fc.nat(20_000), fc.integer({ min: 1, max: 20_000 }), (km, more) => {
        expect(estimatedRoundTripMs(km + more)).toBeGreaterThan(estimatedRoundTripMs(km));
      }),
    );
  });
});

describe("parseCoordinates", () => {
  test("zero is a place", () => {
    expect(parseCoordinates("0", "0")).toEqual({ latitude: 0, longitude: 0 });
  });

  test("the ends of both ranges are in, what is past them is not", () => {
    expect(parseCoordinates("-90", "180")).toEqual({ latitude: -90, longitude: 180 });
    expect(parseCoordinates("90.0001", "0")).toBeNull();
    expect(parseCoordinates("0", "-180.0001")).toBeNull();
    expect(parseCoordinates("91", "0")).toBeNull();
    expect(parseCoordinates("0", "91")).toEqual({ latitude: 0, longitude: 91 });
  });

  test.each([
    null,
    undefined,
    "",
    "  ",
    "north",
    "NaN",
    "Infinity",
    "-Infinity",
    "1,5",
    "1 2",
    "12°",
  ])("refuses %j on either side", (text) => {
    expect(parseCoordinates(text, "0")).toBeNull();
    expect(parseCoordinates("0", text)).toBeNull();
  });

  test("whatever comes back is in range", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (latitude, longitude) => {
        const parsed = parseCoordinates(latitude, longitude);
        if (parsed === null) return;
        expect(Math.abs(parsed.latitude)).toBeLessThanOrEqual(90);
        expect(Math.abs(parsed.longitude)).toBeLessThanOrEqual(180);
      }),
    );
    fc.assert(
      fc.property(place, ({ latitude, longitude }) => {
        const parsed = parseCoordinates(String(latitude), String(longitude));
        expect(parsed?.latitude).toBeCloseTo(latitude, 10);
        expect(parsed?.longitude).toBeCloseTo(longitude, 10);
      }),
    );
  });
});

describe("byDistance", () => {
  test("sorts from near to far, keeps every place and leaves its argument alone", () => {
    fc.assert(
      fc.property(fc.array(place), place, (places, from) => {
        const before = [...places];
        const sorted = byDistance(places, from);
        expect(places).toEqual(before);
        expect(new Set(sorted)).toEqual(new Set(places));
        expect(sorted).toHaveLength(places.length);
        const km = sorted.map((each) => distanceKm(from, each));
        expect(km).toEqual([...km].sort((a, b) => a - b));
      }),
    );
  });

  test("equal distances keep their order", () => {
    const twins = ["a", "b", "c"].map((name) => ({ name, latitude: 10, longitude: 10 }));
    const nearer = { name: "d", latitude: 1, longitude: 1 };
    const sorted = byDistance([...twins, nearer], { latitude: 0, longitude: 0 });
    expect(sorted.map(({ name }) => name)).toEqual(["d", "a", "b", "c"]);
  });
});

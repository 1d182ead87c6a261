import { expect, it } from "vitest";
import { curve, labelSpot, place } from "@/components/multi-region/map-shapes";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const points = DEFAULT_REGIONS.map(place);
const distance = (a: { x: number; y: number }, b: { x: number; y: number }) =>
  Math.hypot(a.x - b.x, a.y - b.y);

it("begins and ends a curve at its regions", () => {
  const [a, b] = points as [(typeof points)[0], (typeof points)[0]];
  const { pointAt } = curve(a, b);
  expect(distance(pointAt(0), a)).toBeCloseTo(0);
  expect(distance(pointAt(1), b)).toBeCloseTo(0);
});

it("keeps the label of a link clear of regions and of other labels", () => {
  const taken = [...points];
  for (const [index, from] of points.entries()) {
    for (const to of points.slice(index + 1)) {
      const spot = labelSpot(curve(from, to).pointAt, taken);
      for (const other of taken) expect(distance(spot, other)).toBeGreaterThan(24);
      taken.push(spot);
    }
  }
});

it("stays in the middle where nothing is in the way", () => {
  const [a, b] = points as [(typeof points)[0], (typeof points)[0]];
  const { pointAt } = curve(a, b);
  expect(labelSpot(pointAt, [a, b])).toEqual(pointAt(0.5));
});

import { project, type Place, type Point } from "./map-projection";

/* Where things are on the map: shared by what the server draws and what moves in the browser. */

export const MAP_WIDTH = 800;
/** Cut below South America: no region and no reader is there. */
export const MAP_HEIGHT = 350;
const MARGIN = 6;

export interface MapRegion extends Place {
  id: string;
  city: string;
}

/** Literal, so that Tailwind finds them. */
export const MAP_TONES = [
  "text-region-1",
  "text-region-2",
  "text-region-3",
  "text-region-4",
  "text-region-5",
  "text-region-6",
];

export function place(at: Place): Point {
  const { x, y } = project(at);
  const half = MAP_WIDTH / 2 - MARGIN;
  return { x: MAP_WIDTH / 2 + x * half, y: 205 + y * half };
}

/** A curve that bends north, more so over a longer way. `along` is 0 where it begins and 1 where it ends. */
export function curve(from: Point, to: Point): { path: string; pointAt: (along: number) => Point } {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const bend = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 - 0.3 * length };
  const at = ({ x, y }: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  return {
    path: `M${at(from)}Q${at(bend)} ${at(to)}`,
    pointAt: (t) => ({
      x: (1 - t) ** 2 * from.x + 2 * t * (1 - t) * bend.x + t ** 2 * to.x,
      y: (1 - t) ** 2 * from.y + 2 * t * (1 - t) * bend.y + t ** 2 * to.y,
    }),
  };
}

/** The middle first: where it will do, it is where one looks. */
const LABEL_SPOTS = [0.5, 0.4, 0.6, 0.3, 0.7];

/** Nothing may be nearer to the middle of a label: half of its width. */
const LABEL_ROOM = 48;

/** Where on a curve a label keeps clear of what is there already, or as clear as it can. */
export function labelSpot(pointAt: (along: number) => Point, taken: readonly Point[]): Point {
  const roomAt = (spot: Point) =>
    Math.min(...taken.map(({ x, y }) => Math.hypot(spot.x - x, 2 * (spot.y - y))));
  const spots = LABEL_SPOTS.map(pointAt);
  const clear = spots.find((spot) => roomAt(spot) >= LABEL_ROOM);
  return clear ?? spots.reduce((best, spot) => (roomAt(spot) > roomAt(best) ? spot : best));
}

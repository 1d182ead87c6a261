/** Degrees. */
export interface Place {
  latitude: number;
  longitude: number;
}

export interface Point {
  x: number;
  y: number;
}

const RADIANS = Math.PI / 180;
const X_SCALE = 2 / Math.sqrt(Math.PI * (4 + Math.PI));
const HALF_WIDTH = 2 * X_SCALE * Math.PI;

/**
 * Eckert III, whose poles are lines and whose meridians are half ellipses (Snyder, "Map
 * Projections: A Working Manual", 1987).
 *
 * @returns x from -1 (west) to 1, y from -0.5 (north) to 0.5
 */
export function project({ latitude, longitude }: Place): Point {
  const phi = latitude * RADIANS;
  const lambda = longitude * RADIANS;
  const x = X_SCALE * lambda * (1 + Math.sqrt(Math.max(0, 1 - 4 * (phi / Math.PI) ** 2)));
  const y = 2 * X_SCALE * phi;
  return { x: x / HALF_WIDTH, y: -y / HALF_WIDTH };
}

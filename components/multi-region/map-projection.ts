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

/**
 * Eckert III, whose poles are lines and whose meridians are half ellipses (Snyder, "Map
 * Projections: A Working Manual", 1987).
 *
 * @returns x from -1 to 1 at the equator, y from -0.5 (north) to 0.5
 */
export function project({ latitude, longitude }: Place): Point {
  const phi = latitude * RADIANS;
  const lambda = longitude * RADIANS;
  const x = X_SCALE * lambda * (1 + Math.sqrt(Math.max(0, 1 - 4 * (phi / Math.PI) ** 2)));
  const y = 2 * X_SCALE * phi;
  const halfWidth = 2 * X_SCALE * Math.PI;
  return { x: x / halfWidth, y: -y / halfWidth };
}

/** Points of the great circle between two places, which cables roughly follow. */
export function greatCircle(from: Place, to: Place, steps = 48): Point[] {
  const a = toVector(from);
  const b = toVector(to);
  const angle = Math.acos(Math.min(1, Math.max(-1, a[0] * b[0] + a[1] * b[1] + a[2] * b[2])));
  if (angle < 1e-6) return [project(from), project(to)];
  return Array.from({ length: steps + 1 }, (_, step) => {
    const t = step / steps;
    const p = Math.sin((1 - t) * angle) / Math.sin(angle);
    const q = Math.sin(t * angle) / Math.sin(angle);
    const [x, y, z] = [a[0] * p + b[0] * q, a[1] * p + b[1] * q, a[2] * p + b[2] * q];
    return project({
      latitude: Math.atan2(z, Math.hypot(x, y)) / RADIANS,
      longitude: Math.atan2(y, x) / RADIANS,
    });
  });
}

function toVector({ latitude, longitude }: Place): [number, number, number] {
  const phi = latitude * RADIANS;
  const lambda = longitude * RADIANS;
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}

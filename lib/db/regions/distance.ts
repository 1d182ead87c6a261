/** Degrees; latitude -90..90, longitude -180..180. Zero is a place like any other. */
export interface Coordinates {
  latitude: number;
  longitude: number;
}

const EARTH_RADIUS_KM = 6371;

/** Great-circle distance in km (haversine formula; Sinnott, Sky and Telescope 68, 1984). */
export function distanceKm(a: Coordinates, b: Coordinates): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const halfLatitude = radians(b.latitude - a.latitude) / 2;
  const halfLongitude = radians(b.longitude - a.longitude) / 2;
  const h =
    Math.sin(halfLatitude) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(halfLongitude) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/**
 * Round trip in ms to expect over a distance until it has been measured: light in fibre covers
 * 200 km per ms, and cables run about 1.4 times the great circle.
 */
export function estimatedRoundTripMs(km: number): number {
  return 1 + (2 * km * 1.4) / 200;
}

/** Parses coordinates that came as text; null unless both are numbers in range. */
export function parseCoordinates(
  latitude: string | null | undefined,
  longitude: string | null | undefined,
): Coordinates | null {
  const parse = (text: string | null | undefined, limit: number) => {
    if (text == null || text.trim() === "") return null;
    const value = Number(text);
    return Number.isFinite(value) && Math.abs(value) <= limit ? value : null;
  };
  const parsedLatitude = parse(latitude, 90);
  const parsedLongitude = parse(longitude, 180);
  if (parsedLatitude === null || parsedLongitude === null) return null;
  return { latitude: parsedLatitude, longitude: parsedLongitude };
}

/** `places` from near to far; equal distances keep their order. */
export function byDistance<T extends Coordinates>(places: readonly T[], from: Coordinates): T[] {
  return places
    .map((place) => ({ place, km: distanceKm(from, place) }))
    .sort((a, b) => a.km - b.km)
    .map(({ place }) => place);
}

/** Where Vercel's compute regions are; used to find the database region nearest to a function. */
export const VERCEL_REGIONS: Readonly<
  Record<string, readonly [latitude: number, longitude: number]>
> = {
  arn1: [59.33, 18.06], // Stockholm
  bom1: [19.08, 72.88], // Mumbai
  cdg1: [48.86, 2.35], // Paris
  cle1: [41.5, -81.69], // Cleveland
  cpt1: [-33.92, 18.42], // Cape Town
  dub1: [53.35, -6.26], // Dublin
  dxb1: [25.2, 55.27], // Dubai
  fra1: [50.11, 8.68], // Frankfurt
  gru1: [-23.55, -46.63], // São Paulo
  hkg1: [22.32, 114.17], // Hong Kong
  hnd1: [35.68, 139.69], // Tokyo
  iad1: [38.95, -77.45], // Northern Virginia
  icn1: [37.57, 126.98], // Seoul
  kix1: [34.69, 135.5], // Osaka
  lhr1: [51.51, -0.13], // London
  pdx1: [45.52, -122.68], // Portland
  sfo1: [37.77, -122.42], // San Francisco
  sin1: [1.35, 103.82], // Singapore
  syd1: [-33.87, 151.21], // Sydney
  yul1: [45.5, -73.57], // Montréal
};

interface Place {
  latitude: number;
  longitude: number;
}

/** Monotonic in the great-circle distance (haversine), which is all a comparison needs. */
function chordSquared(a: Place, b: Place): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const sine = (degrees: number) => Math.sin(radians(degrees) / 2);
  return (
    sine(b.latitude - a.latitude) ** 2 +
    Math.cos(radians(a.latitude)) *
      Math.cos(radians(b.latitude)) *
      sine(b.longitude - a.longitude) ** 2
  );
}

/** The configured region nearest to a Vercel region; undefined when that id is not known. */
export function nearestToVercelRegion<R extends Place>(
  vercelRegion: string,
  regions: readonly R[],
): R | undefined {
  const found = Object.hasOwn(VERCEL_REGIONS, vercelRegion)
    ? VERCEL_REGIONS[vercelRegion]
    : undefined;
  if (!found) return undefined;
  const from: Place = { latitude: found[0], longitude: found[1] };
  return [...regions].sort((a, b) => chordSquared(from, a) - chordSquared(from, b))[0];
}

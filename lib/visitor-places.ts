import { findNearestRegion, REGIONS, type RegionId } from "@/lib/db/multi-region-config";

/** A place that a visitor of the local planet can look from. */
export interface VisitorPlace {
  id: string;
  city: string;
  /** The region nearest to it, whose vantage the visitor takes. */
  regionId: RegionId;
  /** Whether the place is a region's own. */
  isRegion: boolean;
}

const ELSEWHERE = [
  { id: "sao-paulo", city: "São Paulo", latitude: -23.55, longitude: -46.63 },
  { id: "san-francisco", city: "San Francisco", latitude: 37.77, longitude: -122.42 },
  { id: "frankfurt", city: "Frankfurt", latitude: 50.11, longitude: 8.68 },
  { id: "lagos", city: "Lagos", latitude: 6.52, longitude: 3.38 },
  { id: "tokyo", city: "Tokyo", latitude: 35.68, longitude: 139.69 },
  { id: "sydney", city: "Sydney", latitude: -33.87, longitude: 151.21 },
] as const;

let places: readonly VisitorPlace[] | undefined;

/** The regions' own places first, then some that are near to none. */
export function visitorPlaces(): readonly VisitorPlace[] {
  places ??= [
    ...REGIONS.map(({ id, city }) => ({ id, city, regionId: id, isRegion: true })),
    ...ELSEWHERE.filter(({ city }) => REGIONS.every((region) => region.city !== city)).map(
      ({ id, city, latitude, longitude }) => ({
        id,
        city,
        regionId: findNearestRegion(latitude, longitude).id,
        isRegion: false,
      }),
    ),
  ];
  return places;
}

export function findVisitorPlace(id: string | undefined): VisitorPlace | undefined {
  return visitorPlaces().find((place) => place.id === id);
}

import { byDistance, distanceKm, type Coordinates } from "@/lib/db/regions/distance";
import { seededRandom } from "@/lib/seeded-random";
import { CITIES, type City } from "./cities";
import { MAX_ANSWERS, type Card } from "./round-rules";

/** How much farther the second region has to be: what is a matter of taste is no question. */
const CLEARLY = 1.25;

type Place = Coordinates & { id: string };

/**
 * The cards of a round: the same for the same seed and regions, enough for the fastest player, and no
 * city twice before all have come. Pure.
 */
export function dealCards(seed: number, regions: readonly Place[]): Card[] {
  const pool = askable(regions);
  const random = seededRandom(seed);
  const cards: Card[] = [];
  while (cards.length < MAX_ANSWERS) {
    const left = [...pool];
    while (left.length > 0 && cards.length < MAX_ANSWERS) {
      let at = Math.floor(random() * left.length);
      // The last one of the pass before must not come at once again.
      if (left[at]?.city === cards.at(-1)?.city) at = (at + 1) % left.length;
      cards.push(...left.splice(at, 1));
    }
  }
  return cards;
}

/** Cities of which it is clear what is nearest; all of them where that is true of none. */
function askable(regions: readonly Place[]): Card[] {
  const near = CITIES.map((city) => ({ city, order: byDistance(regions, city) }));
  const clear = near.filter(({ city, order }) => isClear(city, order));
  return (clear.length > 0 ? clear : near).map(({ city, order }) => {
    const [nearest] = order;
    if (!nearest) throw new RangeError("No region is configured");
    return { city: city.name, nearest: nearest.id };
  });
}

function isClear(city: City, [first, second]: readonly Place[]): boolean {
  if (!first || !second) return true;
  return distanceKm(city, second) >= CLEARLY * distanceKm(city, first);
}

import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { missingPositions, NOTHING, type Positions } from "./positions";
import type { SessionToken } from "./token";

/** A read that was begun while it was still being asked what the session has written and seen. */
export interface EarlyRead<T> {
  region: RegionId;
  data: Promise<T>;
  /** Whether the region was known to have all of these before the read began. */
  hadAll(entries: Positions): boolean;
}

/**
 * Begins a read where it will be served, unless something speaks against that region already: the answer of the mirror
 * seldom does, and is not worth waiting for. Null where something does.
 */
export function beginEarly<T>(
  { state, applied }: Pick<Runtime, "state" | "applied">,
  where: { vantage: RegionId; region: RegionId; token: SessionToken },
  read: () => Promise<T>,
): EarlyRead<T> | null {
  const { vantage, region, token } = where;
  if (token.kind === "invalid" || !state.isHealthy(vantage, region)) return null;
  // What is learned from now on may be of after the read.
  const floor = state.floor(vantage);
  const had = applied.cached(region);
  const hadAll = (entries: Positions) =>
    missingPositions(missingPositions(entries, floor), had).size === 0;
  if (!hadAll(token.kind === "valid" ? token.positions : NOTHING)) return null;
  const data = read();
  // It may turn out that nobody wants it.
  data.catch(() => undefined);
  return { region, data, hadAll };
}

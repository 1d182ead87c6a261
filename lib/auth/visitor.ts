import { cookies, headers } from "next/headers";
import { cache } from "react";
import { findNearestRegion, parseRegionId, type RegionId } from "@/lib/db/multi-region-config";
import { parseCoordinates } from "@/lib/db/regions/distance";
import { getEnv } from "@/lib/env";
import { findVisitorPlace } from "@/lib/visitor-places";

export const VIEW_COOKIE = "meridian_view";

/** From where somebody asks, signed in or not. */
export interface Visitor {
  /** The region nearest to the visitor: where the code of this request runs, or plays to run. */
  vantage: RegionId;
  /** Whether the visitor may choose where to look from. */
  local: boolean;
  /** The chosen place on the local planet; elsewhere the vantage's id. */
  place: string;
}

export const getVisitor = cache(async (): Promise<Visitor> => {
  const { localPlanet: local } = getEnv();
  const view = (await cookies()).get(VIEW_COOKIE)?.value;
  const chosen = local ? findVisitorPlace(view) : undefined;
  const vantage = chosen?.regionId ?? (await regionOfVisitor());
  return { vantage, local, place: chosen?.id ?? vantage };
});

/** Nearest to where the platform says the request came from; anyone can send such a header. */
async function regionOfVisitor(): Promise<RegionId> {
  const { onVercel, currentRegion } = getEnv();
  if (onVercel) {
    const sent = await headers();
    const from = parseCoordinates(
      sent.get("x-vercel-ip-latitude"),
      sent.get("x-vercel-ip-longitude"),
    );
    if (from) return findNearestRegion(from.latitude, from.longitude).id;
  }
  return parseRegionId(currentRegion);
}

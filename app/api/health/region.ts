import { answer } from "@/app/api/answers";
import { multiRegionDb, REGIONS, type RegionId } from "@/lib/db/multi-region-config";

/** The region of `?region=`, else the one that this process runs in; a 400 for an unknown one. */
export function regionOf(params: URLSearchParams): RegionId | Response {
  const asked = params.get("region");
  if (asked === null) return multiRegionDb.vantage;
  const region = REGIONS.find(({ id }) => id === asked);
  return (
    region?.id ?? answer({ code: "invalid", message: "region: there is no such region." }, 400)
  );
}

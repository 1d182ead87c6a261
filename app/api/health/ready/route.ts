import { gatherRegionStatus } from "@/lib/region-status";
import { multiRegionDb } from "@/lib/db/multi-region-config";

export const dynamic = "force-dynamic";

/** Ready while some region answers, since any of them can serve reads and take documents. */
export async function GET(): Promise<Response> {
  const regions = await gatherRegionStatus(multiRegionDb.vantage, false);
  const ready = regions.some((region) => region.healthy);
  return Response.json(
    {
      status: ready ? "ready" : "unready",
      regions: Object.fromEntries(regions.map(({ regionId, healthy }) => [regionId, healthy])),
    },
    { status: ready ? 200 : 503, headers: { "cache-control": "no-store" } },
  );
}

import { getRequestContext } from "@/lib/request-context";
import { gatherRegionStatus } from "@/lib/region-status";

export const dynamic = "force-dynamic";

/** Anyone may ask; details of what went wrong are for administrators. */
export async function GET(): Promise<Response> {
  const { user, vantage } = await getRequestContext();
  const regions = await gatherRegionStatus(vantage, user?.role === "admin");
  return Response.json(regions, { headers: { "cache-control": "no-store" } });
}

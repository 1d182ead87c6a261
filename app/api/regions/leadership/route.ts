import { busState } from "@/lib/bus-state";
import { refreshLeadershipState } from "@/lib/db/failover/leadership-state";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

/** Anyone may ask whether single-leader entities can be written and how writes travel, as seen from their vantage. */
export async function GET(): Promise<Response> {
  const { vantage } = await getRequestContext();
  const state = await refreshLeadershipState(vantage);
  const bus = busState(vantage);
  return Response.json({ ...state, bus }, { headers: { "cache-control": "no-store" } });
}

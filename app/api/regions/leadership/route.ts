import { refreshLeadershipState } from "@/lib/db/failover/leadership-state";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

/** Anyone may ask whether single-leader entities can be written, as seen from their vantage. */
export async function GET(): Promise<Response> {
  const { vantage } = await getRequestContext();
  const state = await refreshLeadershipState(vantage);
  return Response.json(state, { headers: { "cache-control": "no-store" } });
}

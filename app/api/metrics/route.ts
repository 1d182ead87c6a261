import { carries } from "@/app/api/bearer";
import { findOperator } from "@/app/api/regions/operator";
import { getEnv } from "@/lib/env";
import type { RegionId } from "@/lib/db/regions/region-id";
import { PROMETHEUS_CONTENT_TYPE, renderMetrics } from "@/lib/prometheus";
import { gatherRegionStatus } from "@/lib/region-status";

export const dynamic = "force-dynamic";

/** For Prometheus, by METRICS_TOKEN, and for administrators; seen from where the process runs. */
export async function GET(request: Request): Promise<Response> {
  const { currentRegion, metricsToken } = getEnv();
  if (!carries(request, metricsToken)) {
    const operator = await findOperator();
    if (operator instanceof Response) return operator;
  }
  const regions = await gatherRegionStatus(currentRegion as RegionId, true);
  return new Response(await renderMetrics(regions), {
    headers: { "content-type": PROMETHEUS_CONTENT_TYPE, "cache-control": "no-store" },
  });
}

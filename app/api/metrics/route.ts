import { createHash, timingSafeEqual } from "node:crypto";
import { findOperator } from "@/app/api/regions/operator";
import { getEnv } from "@/lib/env";
import type { RegionId } from "@/lib/db/regions/region-id";
import { PROMETHEUS_CONTENT_TYPE, renderMetrics } from "@/lib/prometheus";
import { gatherRegionStatus } from "@/lib/region-status";

export const dynamic = "force-dynamic";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Whether the request carries METRICS_TOKEN. Takes as long for a wrong one as for the right one. */
function isScraper(request: Request, token: string | null): boolean {
  const given = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  return token !== null && given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/** For Prometheus, by METRICS_TOKEN, and for administrators; seen from where the process runs. */
export async function GET(request: Request): Promise<Response> {
  const { currentRegion, metricsToken } = getEnv();
  if (!isScraper(request, metricsToken)) {
    const operator = await findOperator();
    if (operator instanceof Response) return operator;
  }
  const regions = await gatherRegionStatus(currentRegion as RegionId, true);
  return new Response(await renderMetrics(regions), {
    headers: { "content-type": PROMETHEUS_CONTENT_TYPE, "cache-control": "no-store" },
  });
}

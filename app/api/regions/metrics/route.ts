import { answer } from "@/app/api/answers";
import { findOperator } from "@/app/api/regions/operator";
import { METRIC_WINDOWS } from "@/lib/db/metrics/shape";
import { gatherMetrics } from "@/lib/region-metrics";

export const dynamic = "force-dynamic";

/**
 * `?window=hour` or `day`: what every region's worker has sampled, at most 240 points of each series. For
 * administrators. A region that could not be read is null, with the reason.
 */
export async function GET(request: Request): Promise<Response> {
  const operator = await findOperator();
  if (operator instanceof Response) return operator;
  const asked = new URL(request.url).searchParams.get("window") ?? "hour";
  const window = METRIC_WINDOWS.find((known) => known === asked);
  if (!window) return answer({ code: "invalid", message: "window: hour or day." }, 400);
  return answer(await gatherMetrics(operator.vantage, window));
}

import { answer } from "@/app/api/answers";
import { regionOf } from "@/app/api/health/region";
import { replicaHealth } from "@/lib/region-health";

export const dynamic = "force-dynamic";

/**
 * `?region=&maxLagMs=`: 200 while the region's database answers and, with `maxLagMs`, its lag behind every
 * other region is known and no larger. Else 503 with the reason.
 */
export async function GET(request: Request): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const region = regionOf(params);
  if (region instanceof Response) return region;
  const asked = params.get("maxLagMs");
  if (asked !== null && !/^[0-9]{1,9}$/.test(asked)) {
    return answer({ code: "invalid", message: "maxLagMs: a number of milliseconds." }, 400);
  }
  const health = await replicaHealth(region, asked === null ? null : Number(asked));
  return answer(health, health.status === "replica" ? 200 : 503);
}

import { answer } from "@/app/api/answers";
import { regionOf } from "@/app/api/health/region";
import { leaderHealth } from "@/lib/region-health";

export const dynamic = "force-dynamic";

/** `?region=`: 200 only while it leads with a valid lease, else 503 with the reason. */
export async function GET(request: Request): Promise<Response> {
  const region = regionOf(new URL(request.url).searchParams);
  if (region instanceof Response) return region;
  const health = await leaderHealth(region);
  return answer(health, health.status === "leader" ? 200 : 503);
}

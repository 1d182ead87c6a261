import { answer, UNAUTHENTICATED } from "@/app/api/answers";
import { carries } from "@/app/api/bearer";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import { tickRegions, type RegionTick } from "@/lib/db/ticks/region-ticks";
import { getEnv } from "@/lib/env";
import { regionServices } from "@/lib/region-services";

export const dynamic = "force-dynamic";
export const maxDuration = 60;

/** Long enough for what workers do every five seconds, in ms. */
const TICK_MS = 8_000;

let ticking: Promise<RegionTick[]> | null = null;

/**
 * What workers would do, for some seconds, in all regions: for a platform's scheduler, by CRON_SECRET. Who asks while one
 * is under way gets the answer to that one. 500 if the worker of some region could not run.
 */
export async function GET(request: Request): Promise<Response> {
  if (!carries(request, getEnv().cronSecret)) return answer(UNAUTHENTICATED, 401);
  const runtime = defaultRuntime();
  ticking ??= tickRegions(
    runtime.topology,
    (region) => regionServices(region, runtime),
    TICK_MS,
  ).finally(() => (ticking = null));
  const regions = await ticking;
  return answer({ regions }, regions.every(({ error }) => error === null) ? 200 : 500);
}

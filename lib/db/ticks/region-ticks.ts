import { systemSleep } from "@/lib/clock";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { regionIds, type Topology } from "@/lib/db/regions/topology";
import { RegionWorker, type RegionServices } from "@/lib/db/replication/region-worker";
import { errorMessage } from "@/lib/errors";
import { maskCredentials } from "@/lib/log";

/** What is under way at the end of a tick may take so long, in ms. */
const END_MS = 3_000;

export interface RegionTick {
  region: RegionId;
  /** Null: its worker ran for the whole time. */
  error: string | null;
}

/**
 * Runs the workers of all regions in this process, for so long. What workers do at times of their own comes due within
 * seconds of their start, so that a tick now and then does all of it; two ticks at once are as harmless as two workers.
 */
export async function tickRegions(
  topology: Topology,
  further: (region: RegionId) => RegionServices,
  forMs: number,
): Promise<RegionTick[]> {
  return Promise.all(
    regionIds(topology).map(async (region) => {
      const worker = new RegionWorker(topology, region, further(region), { brief: true });
      let error: string | null = null;
      const running = worker.run().catch((err: unknown) => {
        error = maskCredentials(errorMessage(err));
      });
      await Promise.race([running, systemSleep(forMs)]);
      await within(
        END_MS,
        worker.stop().then(() => running),
      ).catch(() => undefined);
      return { region, error };
    }),
  );
}

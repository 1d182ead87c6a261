import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";

/** How long an overview is waited for between two attempts, in ms. */
const LOOK_MS = 1_000;

/** Asks all regions who leads. Returns at the first news of another leader, or when all have answered. */
export async function lookForLeader(
  { state, topology }: Pick<Runtime, "state" | "topology">,
  vantage: RegionId,
  former: RegionId,
  lookMs = LOOK_MS,
): Promise<void> {
  const looks = regionIds(topology).map(async (id) => {
    await within(lookMs, state.refresh(vantage, id));
    // Not the overview's own leader: a region that was away names one of long ago.
    if (state.leader(vantage).region === former) throw new RangeError("No news");
  });
  await Promise.any(looks).catch(() => undefined);
}

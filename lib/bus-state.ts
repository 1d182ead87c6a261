import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";
import type { BusState } from "@/lib/leadership-shape";

/** A worker that has said nothing for so long says nothing of Redis either, in ms. */
const SILENT_MS = 4_000;

/** How writes travel, as the regions' workers last said. Waits for nothing. */
export function busState(
  vantage: RegionId,
  { state, topology, redis }: Runtime = defaultRuntime(),
): BusState {
  if (!redis.of(vantage, vantage).configured) return "none";
  const nowMs = performance.now();
  const said = regionIds(topology).map((id) => {
    const overview = state.latest(vantage, id);
    const worker = overview?.worker;
    if (!overview || !worker) return null;
    return worker.ageMs + nowMs - overview.readAtMs < SILENT_MS ? worker.bus : null;
  });
  // As soon as one region is: its writes take the slower way.
  if (said.includes("degraded")) return "degraded";
  return said.includes("redis") ? "redis" : "unknown";
}

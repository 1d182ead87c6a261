import { within } from "./faults";
import type { RegionId } from "./region-id";
import type { Runtime } from "./runtime";
import { regionIds } from "./topology";

/** An overview is waited for only while none is at hand. */
const LOOK_MS = 1_000;

/** All that any region is known to have registered: too few would make a majority too small. */
export async function registeredRegions(
  { state, topology }: Pick<Runtime, "state" | "topology">,
  vantage: RegionId,
): Promise<Set<string>> {
  const ids = regionIds(topology);
  const known = () => ids.flatMap((id) => state.latest(vantage, id)?.registered ?? []);
  if (known().length === 0) {
    const looks = ids.map((id) => within(LOOK_MS, state.refresh(vantage, id)));
    await Promise.any(looks).catch(() => undefined);
  }
  const registered = new Set(known());
  return registered.size > 0 ? registered : new Set(ids);
}

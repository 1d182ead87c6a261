import { failoverManager } from "@/lib/db/failover-manager";
import type { Attempt } from "@/lib/db/failover/attempt";
import type { RegionId } from "@/lib/db/multi-region-config";
import { Remembered } from "@/lib/remembered";

/** A list that is older than this is waited for, in ms. */
const USABLE_MS = 6_000;

/** What pages poll for. */
const SHORT = 20;

const histories = new Remembered<Attempt[]>(USABLE_MS);

/** Attempts to change the leader, newest first, for pages that poll: as they were at the last question. */
export async function pollFailoverHistory(vantage: RegionId, limit: number): Promise<Attempt[]> {
  // Anybody may ask for any number: two lists are kept, not one for each.
  const kept = limit <= SHORT ? SHORT : Infinity;
  const read = () => failoverManager.from(vantage).getFailoverHistory(kept);
  return (await histories.get(`${vantage} ${kept}`, read)).slice(0, limit);
}

/** After an order: who asked for it looks at the history next. */
export function forgetFailoverHistory(): void {
  histories.forget();
}

import { queryableOf, type Queryable } from "@/lib/db/failover/queryable";
import { isUnreachable, RegionTimeoutError, within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";
import type { UnreadReason } from "@/lib/db/metrics/shape";
import { getLogger } from "@/lib/log";

/**
 * Longest wait for a region that is believed to be up, in ms; one that is not is not asked. A first connection
 * to the other side of the world takes six round trips.
 */
const ANSWER_MS = 2_500;

export type RegionAnswer<T> = { kind: "answer"; value: T } | { kind: "none"; reason: UnreadReason };

/** A region by its two endpoints: the one for reads may be a physical replica. */
export interface AskedRegion {
  readonly id: RegionId;
  readonly read: Queryable;
  readonly write: Queryable;
}

/** Questions under way: a region that hangs is asked each once, however many pages poll. */
const asking = new Map<string, Promise<unknown>>();

/**
 * Asks all regions at once, each for a bounded time.
 *
 * @param question its name: answers of one that is under way are shared
 */
export async function askRegions<T>(
  vantage: RegionId,
  question: string,
  ask: (region: AskedRegion) => Promise<T>,
): Promise<Map<RegionId, RegionAnswer<T>>> {
  const { topology } = defaultRuntime();
  const answers = await Promise.all(
    regionIds(topology).map(async (region) => {
      return [region, await askRegion(vantage, region, question, ask)] as const;
    }),
  );
  return new Map(answers);
}

async function askRegion<T>(
  vantage: RegionId,
  region: RegionId,
  question: string,
  ask: (region: AskedRegion) => Promise<T>,
): Promise<RegionAnswer<T>> {
  const { state, clients } = defaultRuntime();
  // Nothing else may be asking after it: this is how a region that is down is found up again.
  state.latest(vantage, region);
  if (!state.isHealthy(vantage, region)) return { kind: "none", reason: "unreachable" };
  const key = `${vantage} ${region} ${question}`;
  let answer = asking.get(key) as Promise<T> | undefined;
  if (!answer) {
    answer = ask({
      id: region,
      read: queryableOf(clients.read(vantage, region)),
      write: queryableOf(clients.write(vantage, region)),
    }).finally(() => asking.delete(key));
    asking.set(key, answer);
  }
  try {
    return { kind: "answer", value: await within(ANSWER_MS, answer) };
  } catch (err) {
    getLogger("regions").debug({ err, region, question }, "no answer");
    if (err instanceof RegionTimeoutError) return { kind: "none", reason: "slow" };
    return { kind: "none", reason: isUnreachable(err) ? "unreachable" : "failed" };
  }
}

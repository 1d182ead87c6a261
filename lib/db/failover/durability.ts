import { isActor, regionOfActor, type RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { registeredRegions } from "@/lib/db/regions/registered";
import { regionIds } from "@/lib/db/regions/topology";

export type QuorumOutcome =
  /** `by` have it besides the region that took the write: a majority, or as many as were asked for. */
  | { kind: "held"; by: RegionId[]; waitedMs: number }
  /** It is written where it was taken. Whether so many others have it is not known. */
  | { kind: "indeterminate"; by: RegionId[]; needed: number; detail: string; waitedMs: number };

export interface QuorumOptions {
  /** The write is one of a leader: a region that has promised to support another one does not count. */
  led: boolean;
  /** How many regions besides the one that took it; by default what makes a majority. */
  needed?: number;
  timeoutMs?: number;
  runtime?: () => Pick<Runtime, "state" | "held" | "topology" | "carry">;
}

/**
 * Waits until enough of the regions have applied a write. Throws RangeError if the mark is not one
 * of a replicated row; regions that fail are a matter of the outcome.
 */
export async function awaitQuorum(
  vantage: RegionId,
  write: { origin: string; position: bigint },
  options: QuorumOptions,
): Promise<QuorumOutcome> {
  const { led, timeoutMs = 3_000, runtime = defaultRuntime } = options;
  const { topology, held } = runtime();
  const startedMs = performance.now();
  const { origin: actor, position } = write;
  if (!isActor(actor)) throw new RangeError("Not the origin of a replicated row");
  const origin = regionOfActor(actor);
  const registered = await registeredRegions(runtime(), vantage);
  const needed = options.needed ?? Math.floor(registered.size / 2);
  const others = regionIds(topology).filter((id) => id !== origin && registered.has(id));
  const taker = regionIds(topology).find((id) => id === origin);
  if (taker !== undefined) runtime().carry(vantage, taker);
  const by: RegionId[] = [];
  const failures: string[] = [];
  const ended = new AbortController();
  let open = others.length;
  await new Promise<void>((resolve) => {
    const settle = () => {
      if (by.length >= needed || by.length + open < needed) resolve();
    };
    settle();
    for (const region of others) {
      const { signal } = ended;
      const question = { origin: actor, position, led, untilMs: startedMs + timeoutMs, signal };
      held
        .wait(vantage, region, question)
        .then((answer) => {
          if (answer === "held") by.push(region);
          else failures.push(`${region}: ${answer}`);
        })
        .finally(() => {
          open -= 1;
          settle();
        });
    }
  });
  ended.abort();
  const waitedMs = Math.round(performance.now() - startedMs);
  return by.length >= needed
    ? { kind: "held", by, waitedMs }
    : { kind: "indeterminate", by, needed, detail: failures.join("; "), waitedMs };
}

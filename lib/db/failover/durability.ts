import { systemSleep } from "@/lib/clock";
import { isUnreachable, within } from "@/lib/db/regions/faults";
import { isActor, regionOfActor, type RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { registeredRegions } from "@/lib/db/regions/registered";
import { regionIds } from "@/lib/db/regions/topology";
import { errorMessage } from "@/lib/errors";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** Longest that one question holds a connection: a region that is behind must not hold the pool. */
const SLICE_MS = 250;

/** Pause before a region that could not be reached is asked again. */
const RETRY_MS = 100;

/** What an answer may take beyond the wait in the database. */
const ANSWER_MS = 1_000;

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
  runtime?: () => Pick<Runtime, "state" | "clients" | "topology">;
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
  if (!isActor(write.origin)) throw new RangeError("Not the origin of a replicated row");
  const { topology, clients } = runtime();
  const startedMs = performance.now();
  const origin = regionOfActor(write.origin);
  const registered = await registeredRegions(runtime(), vantage);
  const needed = options.needed ?? Math.floor(registered.size / 2);
  const others = regionIds(topology).filter((id) => id !== origin && registered.has(id));
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
      const question = { ...write, led, untilMs: startedMs + timeoutMs, signal: ended.signal };
      askUntilHeld(() => clients.write(vantage, region), question)
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

/** "held", or why not. Never rejects. */
async function askUntilHeld(
  open: () => PrismaClient,
  asked: {
    origin: string;
    position: bigint;
    led: boolean;
    untilMs: number;
    signal: AbortSignal;
  },
): Promise<string> {
  let last = "timeout";
  for (;;) {
    const leftMs = Math.ceil(asked.untilMs - performance.now());
    if (leftMs <= 0 || asked.signal.aborted) return last;
    const sliceMs = Math.min(SLICE_MS, leftMs);
    try {
      const rows = await within(
        Math.min(sliceMs + ANSWER_MS, leftMs + SLICE_MS),
        open().$queryRaw<{ answer: string }[]>`
          SELECT mr.await_held(${asked.origin}, ${asked.position}, ${asked.led}, ${sliceMs}::int) AS answer`,
      );
      last = rows[0]?.answer ?? "timeout";
      if (last !== "timeout") return last;
    } catch (error) {
      last = errorMessage(error);
      if (!isUnreachable(error)) return last;
      await systemSleep(Math.min(RETRY_MS, leftMs), asked.signal);
    }
  }
}

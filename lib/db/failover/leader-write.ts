import { systemSleep, type Sleep } from "@/lib/clock";
import { isUnreachable, RegionTimeoutError, sqlState, within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { errorMessage } from "@/lib/errors";
import { getLogger } from "@/lib/log";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { leaderNamedBy, wasNeverSent } from "./leader-errors";
import { lookForLeader } from "./look-for-leader";

const PAUSES_MS = [25, 50, 100, 200];

/** A leader that takes longer for a write is taken for one that does not answer. */
const ANSWER_MS = 2_500;

/** From then on an attempt under way is left alone as soon as another region is known to lead. */
const PATIENCE_MS = 500;

const NEWS_EVERY_MS = 200;

export const WRITE_REFUSALS = [
  /** Each region that was asked named another one. */
  "no-leader",
  /** The leader has no lease from a majority. */
  "read-only",
  /** No connection to the leader could be opened. */
  "unreachable",
] as const;
export type WriteRefusal = (typeof WRITE_REFUSALS)[number];

export type LeaderWrite<T> =
  | { kind: "done"; value: T; regionId: RegionId; waitedMs: number; attempts: number }
  /** No leader took it within the time: nothing was written. */
  | { kind: "refused"; reason: WriteRefusal; detail: string; waitedMs: number }
  /** A region that may have written it did not say so in time. */
  | { kind: "indeterminate"; detail: string; waitedMs: number };

export interface LeaderWriteOptions {
  /** How long to look for a leader that takes the write, in ms; an attempt under way is waited for. */
  waitMs?: number;
  /** An earlier call may have written it: an answer counts only where the region still leads. */
  again?: boolean;
  runtime?: () => Pick<Runtime, "state" | "clients" | "topology">;
  sleep?: Sleep;
}

/**
 * Runs a write of single-leader entities in the leading region, wherever that goes meanwhile. Throws
 * what `attempt` throws for reasons of its own.
 *
 * @param attempt makes one write, as its last statement. It is repeated after an unknown outcome, in
 *   the same region or another, also while the earlier one is still running there: it has to find
 *   what an earlier attempt wrote, by a key that is chosen before the first
 */
export async function writeToLeader<T>(
  vantage: RegionId,
  attempt: (db: PrismaClient, regionId: RegionId) => Promise<T>,
  options: LeaderWriteOptions = {},
): Promise<LeaderWrite<T>> {
  const { waitMs = 5_000, runtime = defaultRuntime, sleep = systemSleep } = options;
  const { state, clients, topology } = runtime();
  const startedMs = performance.now();
  const waitedMs = () => Math.round(performance.now() - startedMs);
  /** What was said where a write may have been made. */
  let unknown: string | null = null;
  let reason: WriteRefusal;
  let detail: string;
  for (let attempts = 1; ; attempts++) {
    const { region } = state.leader(vantage);
    const sentMs = performance.now();
    try {
      const db = clients.write(vantage, region);
      const value = await unlessDeposed(within(ANSWER_MS, attempt(db, region)), runtime(), {
        vantage,
        region,
      });
      const tookMs = performance.now() - sentMs;
      // An attempt that only found what an earlier one wrote has passed no fence.
      const quick =
        !options.again && unknown === null && tookMs < (topology.failover?.marginMs ?? Infinity);
      if (quick || (await isLeading(db))) {
        return { kind: "done", value, regionId: region, waitedMs: waitedMs(), attempts };
      }
      reason = "read-only";
      unknown = detail = `${region} answered after ${Math.round(tookMs)} ms and leads no more.`;
    } catch (error) {
      detail = errorMessage(error);
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      reason = refusal;
      if (refusal === "unreachable" && !wasNeverSent(error)) unknown = detail;
      if (refusal === "no-leader") noteLeaderNamedBy(error, state, vantage);
      getLogger("leader-write").debug({ err: error, region }, "The leader did not take a write.");
    }
    if (waitedMs() >= waitMs) {
      return unknown === null
        ? { kind: "refused", reason, detail, waitedMs: waitedMs() }
        : { kind: "indeterminate", detail: unknown, waitedMs: waitedMs() };
    }
    const pauseMs = PAUSES_MS[Math.min(attempts, PAUSES_MS.length) - 1] ?? 200;
    await sleep(pauseMs);
    if (state.leader(vantage).region !== region) continue;
    // A leader that answers will have its lease in a moment: a region that is gone is not waited for.
    await lookForLeader(runtime(), vantage, region, reason === "read-only" ? pauseMs : undefined);
  }
}

/**
 * The answer, or a RegionTimeoutError once another region leads: a leader that was stopped would
 * otherwise be waited for well after its successor serves.
 */
async function unlessDeposed<T>(
  answer: Promise<T>,
  runtime: Pick<Runtime, "state" | "topology">,
  { vantage, region }: { vantage: RegionId; region: RegionId },
): Promise<T> {
  const answered = new AbortController();
  const deposed = async () => {
    const sentMs = performance.now();
    await systemSleep(PATIENCE_MS, answered.signal);
    while (!answered.signal.aborted) {
      await lookForLeader(runtime, vantage, region, NEWS_EVERY_MS);
      if (runtime.state.leader(vantage).region !== region) {
        throw new RegionTimeoutError(performance.now() - sentMs);
      }
      await systemSleep(NEWS_EVERY_MS, answered.signal);
    }
    return answer;
  };
  return Promise.race([answer, deposed()]).finally(() => answered.abort());
}

/** Null: not about leadership. */
function refusalOf(error: unknown): WriteRefusal | null {
  // What mr.fence answers.
  switch (sqlState(error)) {
    case "MR001":
      return "no-leader";
    case "MR007":
      return "read-only";
    default:
      return isUnreachable(error) ? "unreachable" : null;
  }
}

function noteLeaderNamedBy(error: unknown, state: Runtime["state"], vantage: RegionId): void {
  const named = leaderNamedBy(error);
  const region = named === undefined ? undefined : state.findRegionId(named);
  if (region !== undefined) state.noteLeader(vantage, region);
}

/**
 * The trigger looked at the lease before the commit. A commit that came much later may have come after
 * another region began to lead: a quick answer rules that out, and so does a lease that is still held.
 */
async function isLeading(db: PrismaClient): Promise<boolean> {
  const rows = await within(
    ANSWER_MS,
    db.$queryRaw<{ leads: boolean }[]>`SELECT mr.leading() IS NOT NULL AS leads`,
  ).catch(() => []);
  return rows[0]?.leads ?? false;
}

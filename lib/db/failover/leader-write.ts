import { systemSleep } from "@/lib/clock";
import { isUnreachable, RegionTimeoutError, sqlState, within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { repeatRolledBack } from "@/lib/db/writes/repeat-rolled-back";
import { errorMessage } from "@/lib/errors";
import { getLogger } from "@/lib/log";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { leaderNamedBy, wasNeverSent } from "./leader-errors";
import { holdsLease } from "./lease-question";
import { WriteHistory, type WriteStep } from "./write-history";

const PAUSES_MS = [25, 50, 100, 200];

/** A leader that takes longer for a write is taken for one that does not answer. */
const ANSWER_MS = 2_500;

/** From then on an attempt under way is left alone as soon as another region is known to lead. */
const PATIENCE_MS = 500;

/** Before the region is asked that the former one has named: two that name each other are not asked in a circle. */
const MOVED_MS = 25;

/** Then a leader that did not take a write is tried again, whatever is known of it, in ms. */
const NO_NEWS_MS = 1_000;

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
  | {
      kind: "refused";
      reason: WriteRefusal;
      detail: string;
      waitedMs: number;
      history: readonly WriteStep[];
    }
  /** A region that may have written it did not say so in time. */
  | { kind: "indeterminate"; detail: string; waitedMs: number; history: readonly WriteStep[] };

export interface LeaderWriteOptions {
  /** How long to look for a leader that takes the write, in ms; an attempt under way is waited for. */
  waitMs?: number;
  /** An earlier call may have written it: an answer counts only where the region still leads. */
  again?: boolean;
  /** Of an earlier call for the same write. */
  history?: WriteHistory;
  runtime?: () => Pick<Runtime, "state" | "clients" | "leaders" | "topology" | "tendLease">;
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
  const { waitMs = 5_000, history = new WriteHistory(), runtime = defaultRuntime } = options;
  const { state, clients, leaders, topology } = runtime();
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
      const value = await history.step("attempt", region, () =>
        unlessDeposed(
          within(
            ANSWER_MS,
            repeatRolledBack(() => attempt(db, region)),
          ),
          runtime(),
          { vantage, region },
        ),
      );
      const tookMs = performance.now() - sentMs;
      // An attempt that only found what an earlier one wrote has passed no fence. And the trigger looked at the lease
      // before the commit: one that came much later may have come after another region began to lead. A quick answer
      // rules that out, and so does a lease that is still held.
      const quick =
        !options.again && unknown === null && tookMs < (topology.failover?.marginMs ?? Infinity);
      const leads = () => holdsLease(db);
      if (
        quick ||
        (await history.step("lease", region, leads, (yes) => (yes ? "held" : "not held")))
      ) {
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
    runtime().tendLease(vantage);
    if (waitedMs() >= waitMs) {
      const told = { waitedMs: waitedMs(), history: history.steps };
      return unknown === null
        ? { kind: "refused", reason, detail, ...told }
        : { kind: "indeterminate", detail: unknown, ...told };
    }
    const pauseMs = PAUSES_MS[Math.min(attempts, PAUSES_MS.length) - 1] ?? 200;
    if (state.leader(vantage).region !== region) {
      await systemSleep(MOVED_MS);
      continue;
    }
    // Until there is news, which the search has within 50 ms and a round trip. Everybody who waits would else
    // keep the databases busy with what they refuse, or open connections to one that does not answer.
    // No longer than what is left: the last attempt is made then.
    const timeoutMs = Math.min(NO_NEWS_MS, waitMs - waitedMs());
    const news = () => leaders.wait(vantage, { former: region, backAfterMs: pauseMs, timeoutMs });
    await history.step("news", region, news, () => state.leader(vantage).region);
  }
}

/**
 * The answer, or a RegionTimeoutError once another region leads: a leader that was stopped would
 * otherwise be waited for well after its successor serves.
 */
async function unlessDeposed<T>(
  answer: Promise<T>,
  { state, leaders }: Pick<Runtime, "state" | "leaders">,
  { vantage, region }: { vantage: RegionId; region: RegionId },
): Promise<T> {
  const answered = new AbortController();
  const deposed = async () => {
    const sentMs = performance.now();
    await systemSleep(PATIENCE_MS, answered.signal);
    if (answered.signal.aborted) return answer;
    await leaders.wait(vantage, { former: region, signal: answered.signal });
    if (answered.signal.aborted || state.leader(vantage).region === region) return answer;
    throw new RegionTimeoutError(performance.now() - sentMs);
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

import { systemSleep, type Sleep } from "@/lib/clock";
import { isUnreachable, sqlState, within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";
import { errorMessage } from "@/lib/errors";
import { getLogger } from "@/lib/log";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** What mr.fence answers: another region leads, or this one does and has no lease. */
const NOT_LEADING = new Set(["MR001", "MR007"]);

const PAUSES_MS = [25, 50, 100, 200];

/** How long an overview is waited for between two attempts. */
const LOOK_MS = 1_000;

/** A leader that takes longer for a write is taken for one that does not answer. */
const ANSWER_MS = 2_500;

export type LeaderWrite<T> =
  | { kind: "done"; value: T; regionId: RegionId; waitedMs: number; attempts: number }
  /** No region had a lease within the time: nothing was written. */
  | { kind: "refused"; detail: string; waitedMs: number }
  /** A region that may have written it did not say so in time. */
  | { kind: "indeterminate"; detail: string; waitedMs: number };

export interface LeaderWriteOptions {
  /** How long to look for a leader that takes the write, in ms. */
  waitMs?: number;
  runtime?: () => Runtime;
  sleep?: Sleep;
}

/**
 * Runs a write of single-leader entities in the leading region, wherever that goes meanwhile.
 *
 * @param attempt is repeated after an unknown outcome, in the same region or another: it has to find
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
  let unknown: string | null = null;
  let detail = "";
  for (let attempts = 1; ; attempts++) {
    const { region } = state.leader(vantage);
    const sentMs = performance.now();
    try {
      const db = clients.write(vantage, region);
      const value = await within(ANSWER_MS, attempt(db, region));
      const tookMs = performance.now() - sentMs;
      if (await wasLeading(db, tookMs, topology.failover?.marginMs)) {
        return { kind: "done", value, regionId: region, waitedMs: waitedMs(), attempts };
      }
      unknown = detail = `${region} answered after ${Math.round(tookMs)} ms and leads no more.`;
    } catch (error) {
      detail = errorMessage(error);
      if (isUnreachable(error)) unknown = detail;
      else if (!NOT_LEADING.has(sqlState(error) ?? "")) throw error;
      getLogger("leader-write").debug({ err: error, region }, "The leader did not take a write.");
    }
    if (waitedMs() >= waitMs) {
      return unknown === null
        ? { kind: "refused", detail, waitedMs: waitedMs() }
        : { kind: "indeterminate", detail: unknown, waitedMs: waitedMs() };
    }
    await sleep(PAUSES_MS[Math.min(attempts, PAUSES_MS.length) - 1] ?? 200);
    await lookForLeader(runtime(), vantage, region);
  }
}

/**
 * The trigger looked at the lease before the commit. A commit that came much later may have come after
 * another region began to lead: a quick answer rules that out, and so does a lease that is still held.
 */
async function wasLeading(db: PrismaClient, tookMs: number, marginMs = Infinity): Promise<boolean> {
  if (tookMs < marginMs) return true;
  const rows = await within(
    ANSWER_MS,
    db.$queryRaw<{ leads: boolean }[]>`SELECT mr.leading() IS NOT NULL AS leads`,
  ).catch(() => []);
  return rows[0]?.leads ?? false;
}

/** Returns at the first news of another leader, or when all have been asked. */
async function lookForLeader(
  { state, topology }: Runtime,
  vantage: RegionId,
  former: RegionId,
): Promise<void> {
  const looks = regionIds(topology).map(async (id) => {
    const overview = await within(LOOK_MS, state.refresh(vantage, id));
    if (overview.leader === former) throw new RangeError("No news");
  });
  await Promise.any(looks).catch(() => undefined);
}

import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { Attempt } from "@/lib/db/failover/attempt";
import { readJointHistory } from "@/lib/db/failover/joint-history";
import { followAttempt, orderFailover } from "@/lib/db/failover/order";
import { setPause } from "@/lib/db/failover/pause";
import { previewFailover } from "@/lib/db/failover/preview";
import type { OperatorRegion } from "@/lib/db/failover/queryable";
import { lookAtRegions, reportsOf } from "@/lib/db/failover/report";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { RepairRegion } from "@/lib/db/replication/repair/snapshot";
import { parseFailoverTimes } from "@/lib/env";
import { MeridianError } from "@/lib/errors";
import { ORDER_KINDS, type OrderKind } from "@/lib/failover-shape";
import { attemptLine, previewLines, statusLine } from "./leadership-lines";

/** Longest wait for the worker of the region that is to lead. */
const ATTEMPT_MS = 20_000;

/** Who asked, in the history and the audit. */
const BY = "command line";

type WithRegions = <T>(run: (regions: RepairRegion[]) => Promise<T>) => Promise<T>;

interface Flags {
  json?: true;
  yes?: string;
  reason: string;
  limit: string;
}

class RefusedError extends MeridianError {
  constructor(message: string) {
    super("refused", message);
  }
}

function print(flags: Flags, report: unknown, lines: readonly string[]): void {
  const json = (_: string, value: unknown) =>
    typeof value === "bigint"
      ? `${value}`
      : value instanceof Map
        ? Object.fromEntries(value)
        : value;
  console.log(flags.json ? JSON.stringify(report, json, 2) : lines.join("\n"));
}

async function confirm(target: string, flags: Flags): Promise<void> {
  if (flags.yes === target) return;
  if (!process.stdin.isTTY) {
    throw new RefusedError(`Nobody is there to confirm: say --yes ${target}.`);
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const typed = await lines.question(`Type ${target} to let it lead: `);
  lines.close();
  if (typed.trim() !== target) throw new RefusedError("That is another name. Nothing was done.");
}

/** Shows what it would cost, asks for the name, asks the target's worker, and follows what it does. */
async function lead(
  regions: readonly OperatorRegion[],
  kind: OrderKind,
  target: string,
  flags: Flags,
): Promise<Attempt> {
  const settings = parseFailoverTimes(process.env);
  const preview = await previewFailover(regions, settings);
  // Not on stdout: that is for the attempt.
  console.error(previewLines(preview, target).join("\n"));
  await confirm(target, flags);
  const outcome = await orderFailover(regions, settings, {
    to: target,
    kind,
    reason: flags.reason,
    by: BY,
  });
  if (outcome.kind === "refused") throw new RefusedError(outcome.message);
  const region = regions.find(({ id }) => id === target);
  const attempt = region && (await followAttempt(region.db, outcome.attempt.id, ATTEMPT_MS));
  if (attempt?.completedAt) return attempt;
  throw new RefusedError(`The worker of ${target} did not finish: ${attempt?.status}.`);
}

/** Adds the commands about who leads. Exit codes: 0 done, 1 refused, 2 not everything was reached. */
export function addLeadershipCommands(program: Command, withPools: WithRegions): void {
  const withRegions = (run: (regions: OperatorRegion[]) => Promise<void>) =>
    withPools((regions) => run(regions.map(({ id, pool }) => ({ id: id as RegionId, db: pool }))));
  const guarded = (run: () => Promise<void>) =>
    run().catch((error: unknown) => {
      if (!(error instanceof RefusedError)) throw error;
      console.error(error.message);
      process.exitCode = 1;
    });

  program
    .command("status")
    .description("print who leads, and how each region is")
    .option("--json", "print it as JSON")
    .action((flags: Flags) =>
      withRegions(async (regions) => {
        const seen = await lookAtRegions(regions);
        print(flags, seen, seen.map(statusLine));
        if (seen.some(({ report }) => report === null)) process.exitCode = 2;
      }),
    );

  program
    .command("lag")
    .description("print what each region has not applied of each other")
    .option("--json", "print it as JSON")
    .action((flags: Flags) =>
      withRegions(async (regions) => {
        const seen = await lookAtRegions(regions);
        const up = reportsOf(seen);
        const lags = up.flatMap((target) =>
          up
            .filter(({ region }) => region !== target.region)
            .map((source) => {
              const applied = target.cursors.get(source.actor) ?? 0n;
              return {
                source: source.region,
                target: target.region,
                applied,
                lastEvent: source.lastEvent,
                caughtUp: applied >= source.lastEvent,
              };
            }),
        );
        print(
          flags,
          lags,
          lags.map(
            ({ source, target, applied, lastEvent, caughtUp }) =>
              `${target.padEnd(16)} of ${source.padEnd(16)} ${caughtUp ? "caught up" : `at ${applied} of ${lastEvent}`}`,
          ),
        );
        if (up.length < seen.length) process.exitCode = 2;
      }),
    );

  program
    .command("history")
    .description("print the attempts to change the leader, newest first")
    .option("--limit <n>", "how many", "20")
    .option("--json", "print it as JSON")
    .action((flags: Flags) =>
      withRegions(async (regions) => {
        const limit = Math.max(1, Math.min(1_000, Number(flags.limit) || 20));
        const { items: attempts, missing } = await readJointHistory(regions, limit);
        print(flags, attempts, attempts.length > 0 ? attempts.map(attemptLine) : ["none"]);
        if (missing.length > 0) process.exitCode = 2;
      }),
    );

  program
    .command("preview [regionId]")
    .description("print what it would cost to let a region lead, or each")
    .option("--json", "print it as JSON")
    .action((target: string | undefined, flags: Flags) =>
      withRegions(async (regions) => {
        const preview = await previewFailover(regions, parseFailoverTimes(process.env));
        print(flags, preview, previewLines(preview, target));
        const shown = preview.candidates.filter(
          ({ regionId }) => target === undefined || regionId === target,
        );
        if (shown.length === 0) process.exitCode = 1;
        else if (shown.some(({ reachable }) => !reachable)) process.exitCode = 2;
      }),
    );

  const DESCRIPTIONS: Record<OrderKind, string> = {
    switchover: "let the leader hand over to a region; no write fails",
    failover: "let a region lead without asking the leader, once its lease must be over",
  };
  for (const kind of ORDER_KINDS) {
    program
      .command(`${kind} <regionId>`)
      .description(DESCRIPTIONS[kind])
      .option("--reason <text>", "for the history", "on request")
      .option("--yes <regionId>", "confirms by naming the region")
      .option("--json", "print the attempt as JSON")
      .action((target: string, flags: Flags) =>
        guarded(() =>
          withRegions(async (regions) => {
            const attempt = await lead(regions, kind, target, flags);
            print(flags, attempt, [attemptLine(attempt)]);
            if (attempt.status !== "completed") process.exitCode = 1;
          }),
        ),
      );
  }

  for (const paused of [true, false]) {
    program
      .command(paused ? "pause" : "resume")
      .description(paused ? "promote nobody automatically" : "promote automatically again")
      .option("--reason <text>", "for whoever wonders", "on request")
      .option("--json", "print it as JSON")
      .action((flags: Flags) =>
        withRegions(async (regions) => {
          const done = await setPause(regions, { paused, reason: flags.reason, by: BY });
          print(flags, done, [
            `${paused ? "paused" : "resumed"} in ${done.told.join(", ") || "no region"}`,
          ]);
          if (done.missed.length > 0) process.exitCode = 2;
        }),
      );
  }
}

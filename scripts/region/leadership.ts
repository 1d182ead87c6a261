import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { Attempt } from "@/lib/db/failover/attempt";
import { readAttempt, readAttempts } from "@/lib/db/failover/history";
import { PgRegionControl } from "@/lib/db/failover/pg-region-control";
import type { ControlSample } from "@/lib/db/failover/region-control";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { RepairRegion } from "@/lib/db/replication/repair/snapshot";
import { systemSleep } from "@/lib/clock";
import { errorMessage, MeridianError } from "@/lib/errors";

/** Longest wait for the worker of the region that is to lead. */
const ATTEMPT_MS = 20_000;

type WithRegions = <T>(run: (regions: RepairRegion[]) => Promise<T>) => Promise<T>;

interface Seen {
  id: string;
  sample: ControlSample | null;
  reason: string | null;
}

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

async function look(regions: readonly RepairRegion[]): Promise<Seen[]> {
  return Promise.all(
    regions.map(async ({ id, pool }): Promise<Seen> => {
      try {
        const sample = await new PgRegionControl(id as RegionId, pool).sample();
        return { id, sample, reason: null };
      } catch (error) {
        return { id, sample: null, reason: errorMessage(error) };
      }
    }),
  );
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

export function statusLine({ id, sample, reason }: Seen): string {
  if (!sample) return `${id.padEnd(16)} not reached: ${reason}`;
  const role =
    sample.leading === null
      ? sample.leader === id
        ? "leader without a lease"
        : `follows ${sample.leader}`
      : `leads, ${Math.round(sample.heldMs ?? 0)} ms of its lease left`;
  const marks = [
    ...(sample.state === "ready" ? [] : [sample.state]),
    ...(sample.votes ? [] : ["does not vote"]),
    ...(sample.paused ? ["paused"] : []),
    ...(sample.suspects ? [`cannot reach ${sample.suspects}`] : []),
    ...(sample.stalled.length > 0 ? [`stalled: ${sample.stalled.join(", ")}`] : []),
  ];
  return [`${id.padEnd(16)} epoch ${sample.epoch}  ${role}`, ...marks].join("; ");
}

export function attemptLine(attempt: Attempt): string {
  const steps = attempt.steps.map(({ name, ms }) => `${name} ${ms} ms`).join(", ");
  const outcome = attempt.error ? `${attempt.status}: ${attempt.error}` : attempt.status;
  return `${attempt.requestedAt}  ${attempt.kind}  ${attempt.from ?? "?"} -> ${attempt.to}  ${outcome}  (${attempt.reason}, ${attempt.requestedBy})${steps ? `\n    ${steps}` : ""}`;
}

/** Newest first; an attempt that two regions tell of is one, as the one that has it further says. */
export function joinHistories(lists: readonly Attempt[][], limit: number): Attempt[] {
  const byId = new Map<string, Attempt>();
  for (const attempt of lists.flat()) {
    const known = byId.get(attempt.id);
    if (!known || (known.completedAt === null && attempt.completedAt !== null)) {
      byId.set(attempt.id, attempt);
    }
  }
  return [...byId.values()]
    .sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1))
    .slice(0, limit);
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

/** Asks the target's worker, and follows what it does. */
async function lead(
  regions: readonly RepairRegion[],
  kind: "failover" | "switchover",
  target: string,
  reason: string,
): Promise<Attempt> {
  const seen = await look(regions);
  const region = regions.find(({ id }) => id === target);
  const own = seen.find(({ id }) => id === target)?.sample;
  if (!region) throw new RefusedError(`Unknown region ${target}.`);
  if (!own) throw new RefusedError(`${target} cannot be reached.`);
  const answering = seen.filter(({ sample }) => sample?.votes).length;
  if (answering <= own.regions.length / 2) {
    throw new RefusedError(`Only ${answering} of ${own.regions.length} regions can vote.`);
  }
  if (own.leading !== null) throw new RefusedError(`${target} leads already.`);
  if (!own.votes) throw new RefusedError(`${target} is not ready: ${own.state}.`);
  for (const { id, pool } of regions) {
    if (!seen.some((other) => other.id === id && other.sample)) continue;
    const [running] = (await readAttempts(pool, 5)).filter(
      ({ status, startedAt }) =>
        status === "in_progress" && Date.now() - Date.parse(startedAt ?? "") < ATTEMPT_MS,
    );
    if (running) throw new RefusedError(`An attempt of ${running.to} is running.`);
  }
  const id = randomUUID();
  const { rows } = await region.pool.query<{ answer: string }>(
    "SELECT mr.request_leadership($1, $2, $3, $4, $5) AS answer",
    [id, kind, own.leader, reason, "command line"],
  );
  if (rows[0]?.answer !== "requested") throw new RefusedError("Another attempt is running.");
  const untilMs = performance.now() + ATTEMPT_MS;
  for (;;) {
    const attempt = await readAttempt(region.pool, id);
    if (attempt?.completedAt) return attempt;
    if (performance.now() > untilMs) {
      throw new RefusedError(`The worker of ${target} did not finish: ${attempt?.status}.`);
    }
    await systemSleep(50);
  }
}

async function pause(regions: readonly RepairRegion[], paused: boolean, reason: string) {
  const seen = await look(regions);
  const version = seen.reduce((top, { sample }) => {
    const theirs = sample?.pauseVersion ?? 0n;
    return theirs > top ? theirs : top;
  }, 0n);
  const told: string[] = [];
  for (const { id, pool } of regions) {
    const ok = await pool
      .query("SELECT mr.set_pause($1::bigint, $2, $3, 'command line')", [
        `${version + 1n}`,
        paused,
        reason,
      ])
      .then(
        () => true,
        () => false,
      );
    if (ok) told.push(id);
  }
  return { paused, version: version + 1n, told, missed: regions.length - told.length };
}

/** Adds the commands about who leads. Exit codes: 0 done, 1 refused, 2 not everything was reached. */
export function addLeadershipCommands(program: Command, withRegions: WithRegions): void {
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
        const seen = await look(regions);
        print(flags, seen, seen.map(statusLine));
        if (seen.some(({ sample }) => sample === null)) process.exitCode = 2;
      }),
    );

  program
    .command("lag")
    .description("print what each region has not applied of each other")
    .option("--json", "print it as JSON")
    .action((flags: Flags) =>
      withRegions(async (regions) => {
        const seen = await look(regions);
        const up = seen.flatMap(({ sample }) => (sample ? [sample] : []));
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
        const lists = await Promise.all(
          regions.map(({ pool }) => readAttempts(pool, limit).catch(() => null)),
        );
        const attempts = joinHistories(
          lists.filter((list) => list !== null),
          limit,
        );
        print(flags, attempts, attempts.length > 0 ? attempts.map(attemptLine) : ["none"]);
        if (lists.includes(null)) process.exitCode = 2;
      }),
    );

  for (const [kind, description] of [
    ["switchover", "let the leader hand over to a region; no write fails"],
    ["failover", "let a region lead without asking the leader, once its lease must be over"],
  ] as const) {
    program
      .command(`${kind} <regionId>`)
      .description(description)
      .option("--reason <text>", "for the history", "on request")
      .option("--yes <regionId>", "confirms by naming the region")
      .option("--json", "print the attempt as JSON")
      .action((target: string, flags: Flags) =>
        guarded(() =>
          withRegions(async (regions) => {
            if (kind === "failover") await confirm(target, flags);
            const attempt = await lead(regions, kind, target, flags.reason);
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
          const done = await pause(regions, paused, flags.reason);
          print(flags, done, [
            `${paused ? "paused" : "resumed"} in ${done.told.join(", ") || "no region"}`,
          ]);
          if (done.missed > 0) process.exitCode = 2;
        }),
      );
  }
}

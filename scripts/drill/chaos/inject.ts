import { systemSleep } from "@/lib/clock";
import { within } from "@/lib/db/regions/faults";
import { formatFailpoint } from "@/lib/failpoints";
import { callsOf, type Fault } from "@/lib/lab/fault";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { signal } from "@/scripts/local/process-tools";
import { leadingEpoch } from "@/scripts/drill/leaders";
import type { DrillRegion } from "@/scripts/drill/planet-runtime";
import { exhaustConnections, holdTransaction, type SmallDisk } from "@/scripts/drill/soak-faults";
import { until } from "@/scripts/drill/until";
import type { BusAttacker } from "./faults/bus";
import { dieAt, dieWhenAsked, killCandidates, type Arrival } from "./faults/killed-at";
import { putBack, rebuild } from "./faults/put-back";
import { startWorker, withoutWorkers, type WorkerOptions } from "./faults/workers";
import type { HistoryWriter } from "./history";
import type { Act, PlannedFault } from "./plan";
import { wayTo } from "./points";
import { detailOf } from "./world";

export interface InjectorOptions {
  planet: ChildPlanet;
  regions: readonly DrillRegion[];
  history: HistoryWriter;
  bus: BusAttacker;
  disk: SmallDisk | null;
  /** Where the earlier version is whose workers take part, if there is one. */
  previous: string | null;
  log: (line: string) => void;
}

/** For a region to say whether it leads. */
const ASK_MS = 500;

/** For somebody to lead, where a fault is of nobody else. */
const LED_MS = 10_000;
const LED_EVERY_MS = 100;

/** For a database to come back by itself or when it is asked to. */
const BACK_MS = 45_000;

/** Makes planned faults, and undoes each. Counts those that were made, by kind. */
export class Injector {
  readonly made: Record<string, number> = {};
  /** How often workers were to die at a point, and how often one got there, by point. */
  readonly points: Record<string, { tried: number; reached: number }> = {};
  /** What could not be made, and why. */
  readonly failed: string[] = [];

  constructor(private readonly options: InjectorOptions) {}

  /** Act after act until the signal aborts; a fault that has begun is undone all the same. */
  async run(acts: Iterable<Act>, stop: AbortSignal): Promise<void> {
    for (const { lanes } of acts) {
      if (stop.aborted) return;
      await Promise.all(lanes.map((lane) => this.runLane(lane, stop)));
    }
  }

  private async runLane(lane: readonly PlannedFault[], stop: AbortSignal): Promise<void> {
    for (const fault of lane) {
      await systemSleep(fault.waitMs, stop);
      if (stop.aborted) return;
      await this.make(fault);
    }
  }

  private async make(planned: PlannedFault): Promise<void> {
    const { history, log } = this.options;
    const fault = planned.atLeader ? await this.atLeader(planned) : planned;
    const { number, kind } = fault;
    const detail = describe(fault);
    log(`${Math.round(history.nowMs() / 1_000)} s: ${detail}`);
    history.note({ type: "fault", fault: number, phase: "begin", kind, detail });
    try {
      const arrivals = (await this.hold(fault)) ?? [];
      this.made[kind] = (this.made[kind] ?? 0) + 1;
      const outcome = [detail, ...arrivals.map((arrival) => this.count(arrival))].join("; ");
      if (arrivals.length > 0) log(outcome);
      history.note({ type: "fault", fault: number, phase: "end", kind, detail: outcome });
    } catch (error) {
      // Whatever is left of it ends with all others; without an end in the history it counts as not undone.
      const failure = `${detail}: ${detailOf(error)}`;
      this.failed.push(failure);
      log(failure);
    }
  }

  /** Says it in words, too. */
  private count({ region, setting, reached }: Arrival): string {
    const known = this.points[setting.point] ?? { tried: 0, reached: 0 };
    this.points[setting.point] = {
      tried: known.tried + 1,
      reached: known.reached + (reached ? 1 : 0),
    };
    const what = reached ? "died at" : "did not get to";
    return `the worker of ${region} ${what} ${formatFailpoint(setting)}`;
  }

  /** Where nobody can be seen to lead, it stays where it was planned. */
  private async atLeader(fault: PlannedFault): Promise<PlannedFault> {
    const untilMs = performance.now() + (fault.points.length > 0 ? LED_MS : 0);
    let leader = await this.leader();
    while (leader === undefined && performance.now() < untilMs) {
      await systemSleep(LED_EVERY_MS);
      leader = await this.leader();
    }
    if (leader === undefined) return fault;
    return { ...fault, region: leader, other: fault.other === leader ? fault.region : fault.other };
  }

  private async leader(): Promise<string | undefined> {
    const asked = this.options.regions.map(async ({ id, pool }) => {
      const epoch = await within(ASK_MS, leadingEpoch(pool)).catch(() => null);
      return epoch === null ? [] : [id];
    });
    return (await Promise.all(asked)).flat()[0];
  }

  /** Resolves once the fault is over. Where workers were to die: with what became of each. */
  private async hold(fault: PlannedFault): Promise<Arrival[] | void> {
    const { planet, bus, disk, history, regions } = this.options;
    const { region: id, other, holdMs, amountMs, kind, points, beside } = fault;
    const regionOf = (name: string) => regions.find((each) => each.id === name)!;
    const region = regionOf(id);
    const untilMs = performance.now() + holdMs;
    const link = { kind: "link", from: id, to: other } as const;
    switch (kind) {
      case "cut":
        return this.between({ ...link, action: "cut" }, { ...link, action: "heal" }, holdMs);
      case "cut-one-way":
        return this.between({ ...link, action: "cut-there" }, { ...link, action: "heal" }, holdMs);
      case "delay": {
        const delay = { ...link, action: "delay", delayMs: amountMs } as const;
        return this.between(delay, { ...link, action: "heal" }, holdMs);
      }
      case "redis-killed":
        return this.between(
          { kind: "redis", action: "keep-down" },
          { kind: "redis", action: "start" },
          holdMs,
        );
      case "redis-paused":
        try {
          await planet.control("POST", "/processes/redis", { action: "stop" });
          await systemSleep(holdMs);
        } finally {
          await planet.control("POST", "/processes/redis", { action: "continue" });
        }
        return;
      case "redis-flushed":
        return bus.flush();
      case "bus-forged":
        return bus.forge(untilMs);
      case "bus-repeated":
        return bus.repeat(untilMs);
      case "bus-reordered":
        return bus.reorder(untilMs);
      case "bus-oversized":
        return bus.shout();
      case "database-killed":
        await this.between(
          { kind: "database", region: id, action: "kill" },
          { kind: "database", region: id, action: "start" },
          holdMs,
        );
        return this.untilAnswered(region);
      case "backend-killed":
        await killBackend(region);
        return this.untilAnswered(region);
      case "database-paused":
        return this.between(
          { kind: "database", region: id, action: "pause" },
          { kind: "database", region: id, action: "continue" },
          holdMs,
        );
      case "worker-killed":
        return this.order({ kind: "worker", region: id, action: "kill" });
      case "worker-paused":
        return this.between(
          { kind: "worker", region: id, action: "pause" },
          { kind: "worker", region: id, action: "continue" },
          holdMs,
        );
      case "worker-killed-at":
        return Promise.all(
          points.map((setting, n) =>
            dieAt(planet, n === 0 ? region : regionOf(other), setting, holdMs),
          ),
        );
      case "candidates-killed-at": {
        const candidacy = { planet, regions, leader: id, setting: points[0]! };
        if (wayTo(points[0]!.point) !== "kill") return [await dieWhenAsked(candidacy, other)];
        const arrivals = await killCandidates(candidacy, holdMs);
        await this.untilAnswered(region);
        return arrivals;
      }
      case "second-worker":
        return this.work(id, { name: kind }, holdMs);
      case "worker-of-before": {
        const work = () => this.work(id, { name: kind, root: this.options.previous! }, holdMs);
        return beside ? work() : withoutWorkers(planet, [id], work);
      }
      case "clock-set":
        return this.between(
          { kind: "clock", region: id, aheadMs: amountMs },
          { kind: "clock", region: id, aheadMs: 0 },
          holdMs,
        );
      case "connections-exhausted":
        return exhaustConnections(planet, region, holdMs);
      case "long-transaction":
        return holdTransaction(region, holdMs);
      case "disk-full":
        try {
          disk?.fill();
          await systemSleep(holdMs);
        } finally {
          disk?.empty();
        }
        return;
      case "database-put-back":
        await this.untilAllAnswer();
        return void (await putBack({ planet, regions, history }, id, holdMs, null));
      case "healing-killed-at":
        await this.untilAllAnswer();
        return putBack({ planet, regions, history }, id, holdMs, points[0]!);
      case "region-rebuilt":
        await this.untilAllAnswer();
        return rebuild({ planet, regions, history }, id);
      default:
        kind satisfies never;
    }
  }

  private async work(id: string, options: WorkerOptions, holdMs: number): Promise<void> {
    const worker = await startWorker(this.options.planet, id, options);
    const exit = await Promise.race([worker.exited, systemSleep(holdMs)]);
    await worker.stop();
    if (exit) throw new Error(`It ended by itself: ${exit.signal ?? `exit code ${exit.code}`}`);
  }

  private async between(begin: Fault, end: Fault, holdMs: number): Promise<void> {
    try {
      await this.order(begin);
      await systemSleep(holdMs);
    } finally {
      await this.order(end);
    }
  }

  private async order(fault: Fault): Promise<void> {
    for (const { path, body } of callsOf(fault)) {
      await this.options.planet.control("POST", path, body);
    }
  }

  /** What is lost with a database is known only where all others can be asked. */
  private async untilAllAnswer(): Promise<void> {
    await Promise.all(this.options.regions.map((region) => this.untilAnswered(region)));
  }

  private untilAnswered({ id, pool }: DrillRegion): Promise<void> {
    const answers = async () => (await pool.query("SELECT 1")).rowCount === 1;
    return until(`the database of ${id}`, answers, { timeoutMs: BACK_MS });
  }
}

/** The server then restarts all of them: their shared memory may be damaged. */
async function killBackend({ pool }: DrillRegion): Promise<void> {
  const { rows } = await pool.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY backend_start LIMIT 1`,
  );
  if (!rows[0]) throw new Error("There is no backend to kill");
  signal(rows[0].pid, "SIGKILL");
}

function describe(fault: PlannedFault): string {
  const { kind, region, other, holdMs, amountMs, points, beside } = fault;
  const where = kind.startsWith("cut") || kind === "delay" ? `${region} to ${other}` : region;
  const amount = amountMs === 0 ? "" : ` by ${amountMs} ms`;
  const company = beside ? " beside its own" : "";
  const at = points.map((setting) => ` at ${formatFailpoint(setting)}`).join(" and");
  return `${kind} ${where}${company}${at}${amount} for ${holdMs} ms`;
}

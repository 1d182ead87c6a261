import { systemSleep } from "@/lib/clock";
import { within } from "@/lib/db/regions/faults";
import { callsOf, type Fault } from "@/lib/lab/fault";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { signal } from "@/scripts/local/process-tools";
import { leadingEpoch } from "@/scripts/drill/leaders";
import type { DrillRegion } from "@/scripts/drill/planet-runtime";
import { exhaustConnections, holdTransaction, type SmallDisk } from "@/scripts/drill/soak-faults";
import { until } from "@/scripts/drill/until";
import type { BusAttacker } from "./faults/bus";
import { putBack, rebuild } from "./faults/put-back";
import { startSecondWorker } from "./faults/second-worker";
import type { HistoryWriter } from "./history";
import type { Act, PlannedFault } from "./plan";
import { detailOf } from "./world";

export interface InjectorOptions {
  planet: ChildPlanet;
  regions: readonly DrillRegion[];
  history: HistoryWriter;
  bus: BusAttacker;
  disk: SmallDisk | null;
  log: (line: string) => void;
}

/** For a region to say whether it leads. */
const ASK_MS = 500;

/** For a database to come back by itself or when it is asked to. */
const BACK_MS = 45_000;

/** Makes planned faults, and undoes each. Counts those that were made, by kind. */
export class Injector {
  readonly made: Record<string, number> = {};
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
      await this.hold(fault);
      this.made[kind] = (this.made[kind] ?? 0) + 1;
      history.note({ type: "fault", fault: number, phase: "end", kind, detail });
    } catch (error) {
      // Whatever is left of it ends with all others; without an end in the history it counts as not undone.
      const failure = `${detail}: ${detailOf(error)}`;
      this.failed.push(failure);
      log(failure);
    }
  }

  /** Where nobody can be seen to lead, it stays where it was planned. */
  private async atLeader(fault: PlannedFault): Promise<PlannedFault> {
    const asked = this.options.regions.map(async ({ id, pool }) => {
      const epoch = await within(ASK_MS, leadingEpoch(pool)).catch(() => null);
      return epoch === null ? [] : [id];
    });
    const [leader] = (await Promise.all(asked)).flat();
    if (leader === undefined) return fault;
    return { ...fault, region: leader, other: fault.other === leader ? fault.region : fault.other };
  }

  /** Resolves once the fault is over. */
  private async hold(fault: PlannedFault): Promise<void> {
    const { planet, bus, disk, history, regions } = this.options;
    const { region: id, other, holdMs, amountMs, kind } = fault;
    const region = regions.find((each) => each.id === id)!;
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
      case "second-worker": {
        const worker = await startSecondWorker(planet, id);
        await systemSleep(holdMs);
        return worker.stop();
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
        return putBack({ planet, regions, history }, id, holdMs);
      case "region-rebuilt":
        await this.untilAllAnswer();
        return rebuild({ planet, regions, history }, id);
      default:
        kind satisfies never;
    }
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

function describe({ kind, region, other, holdMs, amountMs }: PlannedFault): string {
  const where = kind.startsWith("cut") || kind === "delay" ? `${region} to ${other}` : region;
  const amount = amountMs === 0 ? "" : ` by ${amountMs} ms`;
  return `${kind} ${where}${amount} for ${holdMs} ms`;
}

import {
  checkFailoverSettings,
  DEFAULT_FAILOVER_SETTINGS,
  type FailoverSettings,
} from "@/lib/db/failover/settings";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Checker } from "./checker";
import { SimulatedClient } from "./client";
import { drawFault, type Fault, type Stage } from "./faults";
import type { PlantedBug } from "./planted-bugs";
import { Random } from "./random";
import { startReplication } from "./replication";
import { Scheduler } from "./scheduler";
import { SimulatedWorker } from "./worker";
import { SimulatedWorld } from "./world";

/** From the end of the last fault until a leader has to serve. */
export const RECOVERY_MS = 10_000;

/** For how long all has to be well before a run is over. */
const CALM_MS = 400;

export interface SimulationOptions {
  seed: number;
  bug?: PlantedBug;
  trace?: (line: string) => void;
}

export interface SimulationResult {
  seed: number;
  violations: Checker["found"];
  faults: number;
  /** Changes of the leader. */
  changes: number;
  acknowledged: number;
  /** How long the history was, in virtual time, and how long after the last fault all was well. */
  endedMs: number;
  recoveryMs: number;
}

/** One history: what its seed says happens, and whether the promises held. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const random = new Random(options.seed);
  const scheduler = new Scheduler();
  const regions = ["a", "b", "c", "d", "e"].slice(0, random.chance(0.06) ? 5 : 3) as RegionId[];
  const settings = drawSettings(random);
  const world = new SimulatedWorld(scheduler, random, { ...options, regions, settings });
  const workers = new Map(regions.map((id) => [id as string, new SimulatedWorker(id, world)]));
  const clients = [...regions, ...regions].map((id) => new SimulatedClient(id, world));
  const { network, checker } = world;
  if (random.chance(0.4)) network.repeatRate = random.between(0.02, 0.2);
  for (const worker of workers.values()) {
    scheduler.after(random.between(0, 100), () => worker.start());
  }
  for (const client of clients) client.start();
  startReplication(world, workers);
  const plan = planFaults({ world, workers, clients });

  const deadlineMs = plan.lastMs + RECOVERY_MS;
  const isOver = () => scheduler.nowMs > deadlineMs || checker.found.length > 0;
  let calmSinceMs: number | null = null;
  await scheduler.run(() => {
    checker.look();
    const nowMs = scheduler.nowMs;
    if (nowMs < plan.lastMs) return checker.found.length > 0;
    if (checker.leaders().length !== 1) calmSinceMs = null;
    else if (checker.hasAckSince(plan.lastMs)) calmSinceMs ??= nowMs;
    return isOver() || (calmSinceMs !== null && nowMs - calmSinceMs > CALM_MS);
  });
  for (const client of clients) client.stop();
  if (plan.standing === null && calmSinceMs !== null) {
    await scheduler.run(() => isOver() || checker.hasConverged());
  }
  if (checker.found.length === 0) {
    if (calmSinceMs === null) {
      const leaders = checker.leaders().join(", ") || "nobody";
      const acked = checker.hasAckSince(plan.lastMs) ? "" : ", and no write was taken";
      checker.report("no-leader", `${RECOVERY_MS} ms after the last fault: ${leaders}${acked}`);
    } else if (plan.standing === null) {
      if (!checker.hasConverged()) checker.report("not-converged", "rows differ");
      checker.expectAllInAll();
    }
    if (checker.changes > plan.faults.length * 2) {
      checker.report("flapping", `${checker.changes} changes for ${plan.faults.length} faults`);
    }
  }
  for (const { violation, detail } of checker.found) world.trace(() => `${violation}: ${detail}`);
  return {
    seed: options.seed,
    violations: checker.found,
    faults: plan.faults.length,
    changes: checker.changes,
    acknowledged: checker.acknowledged.length,
    endedMs: scheduler.nowMs,
    recoveryMs: (calmSinceMs ?? scheduler.nowMs) - plan.lastMs,
  };
}

/** The defaults, or others that a worker would start with: fewer probes make faster runs. */
function drawSettings(random: Random): FailoverSettings {
  if (random.chance(0.15)) return DEFAULT_FAILOVER_SETTINGS;
  return checkFailoverSettings({
    ...DEFAULT_FAILOVER_SETTINGS,
    marginMs: Math.round(random.between(200, 400)),
    renewMs: Math.round(random.between(200, 330)),
    probeMs: Math.round(random.between(250, 500)),
    suspectMs: Math.round(random.between(500, 800)),
    coolDownMs: Math.round(random.between(0, 2_000)),
  });
}

interface Plan {
  readonly faults: Fault[];
  /** When the last one that ends has ended. */
  lastMs: number;
  /** One within a region, which the others have to do without. */
  standing: Fault | null;
}

/** When something happens is drawn now, and what once it does: it is about who leads then. */
function planFaults(stage: Stage): Plan {
  const { world } = stage;
  const { random, scheduler } = world;
  const count = 1 + random.below(4);
  const plan: Plan = { faults: [], lastMs: 0, standing: null };
  let beginMs = random.between(800, 1_800);
  for (let i = 0; i < count; i++) {
    const endMs = beginMs + random.between(100, random.chance(0.3) ? 5_000 : 3_000);
    const mayStay = i === count - 1 && random.chance(0.35);
    plan.lastMs = Math.max(plan.lastMs, endMs);
    scheduler.at(beginMs, () => {
      const fault = drawFault(stage);
      plan.faults.push(fault);
      world.trace(() => `FAULT: ${fault.name}`);
      fault.begin(stage);
      if (mayStay && fault.ofRegion !== undefined) {
        plan.standing = fault;
        return;
      }
      scheduler.at(endMs, () => {
        world.trace(() => `END: ${fault.name}`);
        fault.end(stage);
      });
    });
    beginMs += random.between(0, 2_500);
  }
  return plan;
}

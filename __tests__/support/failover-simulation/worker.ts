import { LeadershipLoop, type AskedAttempt } from "@/lib/db/failover/leadership-loop";
import type { AttemptKind } from "@/lib/db/failover/attempt";
import type { FailoverSettings } from "@/lib/db/failover/settings";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Process } from "./process";
import { SimulatedRegionControl } from "./simulated-region-control";
import type { SimulatedWorld } from "./world";

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** A guard of nothing, for planted bugs: the lease that is asked for stays as it is. */
const NO_GUARD = { leaseMs: 1, marginMs: 0 };

/** The worker of one region, which may be killed and started again. Its loop is the real one. */
export class SimulatedWorker {
  process: Process | null = null;
  private pausedBy = 0;
  private started = 0;

  constructor(
    readonly region: RegionId,
    private readonly world: SimulatedWorld,
  ) {}

  get isRunning(): boolean {
    return this.process?.isRunning ?? false;
  }

  start(): void {
    const { world, region } = this;
    // A process counts its time from some moment of its own.
    const clock = world.clock(world.random.between(0, 1_000_000));
    const process = new Process(region, world.scheduler, clock);
    this.process = process;
    this.started += 1;
    const { bug, regions } = world.options;
    const unguarded = bug === "no-guard" || bug === "guard-by-acceptor-clock";
    const settings: FailoverSettings = unguarded
      ? { ...world.settings, ...NO_GUARD }
      : world.settings;
    let attempts = 0;
    const loop = new LeadershipLoop({
      region,
      controls: new Map(regions.map((id) => [id, new SimulatedRegionControl(id, process, world)])),
      settings,
      distanceMs: world.distanceMs,
      history: {
        asked: (id) => this.asked(id),
        begin: (asked, plan) => {
          world.database(region).request = null;
          world.trace(
            () => `${region} tries to lead epoch ${plan.epoch} (${asked.kind}) after ${plan.from}`,
          );
          return {
            step: ({ name, ms, detail }) =>
              world.trace(() => `${region}: ${name}, ${ms} ms ${detail}`),
            end: (result) =>
              world.trace(() => {
                const why = result.kind === "completed" ? "" : `: ${result.error}`;
                return `${region}: attempt for ${plan.epoch} ${result.kind}${why}`;
              }),
          };
        },
        refuse: async () => {
          world.database(region).request = null;
        },
      },
      nowMs: clock.nowMs,
      sleep: process.sleep,
      random: world.random.next,
      newId: () => `${region}/${this.started}/${(attempts += 1)}`,
      log: SILENT,
      wakeup: process.wakeup(),
    });
    void loop.run(new AbortController().signal);
    world.scheduler.resume();
  }

  kill(): void {
    this.process?.kill();
    this.process = null;
  }

  pause(): void {
    this.pausedBy += 1;
    this.process?.pause();
  }

  goOn(): void {
    this.pausedBy -= 1;
    if (this.pausedBy === 0) this.process?.goOn();
  }

  /** `kind/id`: what the request of the database says. */
  private async asked(id: string): Promise<AskedAttempt | null> {
    if (this.world.database(this.region).request !== id) return null;
    const kind = id.split("/")[0] as AttemptKind;
    return { id, kind, reason: "", requestedBy: "operator", requestedAt: "" };
  }
}

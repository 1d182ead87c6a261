import { guardMs, type FailoverSettings } from "@/lib/db/failover/settings";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Checker } from "./checker";
import { SimulatedClock } from "./clocks";
import { SimulatedDatabase } from "./database";
import { Network } from "./network";
import type { PlantedBug } from "./planted-bugs";
import type { Random } from "./random";
import type { Scheduler } from "./scheduler";
import { Writes } from "./writes";

/** By how much a clock may run too fast or too slow. */
const DRIFT = 0.01;

/** How far the clocks of two databases are apart at first. */
const SKEW_MS = 30_000;

const EPOCH_MS = 1_700_000_000_000;

export interface WorldOptions {
  regions: readonly RegionId[];
  settings: FailoverSettings;
  bug?: PlantedBug;
  trace?: (line: string) => void;
}

/** The databases, the network between them, and who watches. */
export class SimulatedWorld {
  readonly databases: readonly SimulatedDatabase[];
  readonly network: Network;
  readonly checker: Checker;
  private readonly distances = new Map<string, number>();
  private readonly byRegion: ReadonlyMap<RegionId, SimulatedDatabase>;
  private readonly writes = new Map<SimulatedDatabase, Writes>();

  constructor(
    readonly scheduler: Scheduler,
    readonly random: Random,
    readonly options: WorldOptions,
  ) {
    const { regions, settings, bug } = options;
    const firstLeader = random.pick(regions);
    for (const from of regions) {
      for (const to of regions)
        if (from < to) this.distances.set(`${from} ${to}`, random.between(0, 250));
    }
    this.databases = regions.map(
      (region) =>
        new SimulatedDatabase({
          region,
          regions,
          firstLeader,
          clock: this.clock(EPOCH_MS + random.between(-SKEW_MS, SKEW_MS)),
          bug,
          guardMs: guardMs(settings),
        }),
    );
    this.byRegion = new Map(this.databases.map((database) => [database.region, database]));
    this.network = new Network(scheduler, random, regions);
    this.checker = new Checker(this.databases, () => scheduler.nowMs);
    for (const database of this.databases) {
      const writes = new Writes(database, scheduler, random, bug);
      writes.onAccepted = () => {
        this.checker.noteAccepted(database);
        return this.checker.newestReign;
      };
      this.writes.set(database, writes);
      database.onHeld = ({ epoch }) => {
        if (this.checker.noteHeld(database, epoch)) {
          this.trace(() => `${database.region} serves in epoch ${epoch}`);
        }
      };
    }
  }

  get settings(): FailoverSettings {
    return this.options.settings;
  }

  readonly distanceMs = (from: RegionId, to: RegionId): number =>
    this.distances.get(from < to ? `${from} ${to}` : `${to} ${from}`) ?? 0;

  clock(startMs: number): SimulatedClock {
    const speed = this.random.between(1 - DRIFT / 2, 1 + DRIFT / 2);
    return new SimulatedClock(() => this.scheduler.nowMs, speed, startMs);
  }

  database(region: RegionId): SimulatedDatabase {
    const database = this.byRegion.get(region);
    if (!database) throw new RangeError(`No database of ${region}`);
    return database;
  }

  writesOf(database: SimulatedDatabase): Writes {
    const writes = this.writes.get(database);
    if (!writes) throw new RangeError(`No writes of ${database.region}`);
    return writes;
  }

  /** A line of the log of events; not made unless somebody reads it. */
  trace(line: () => string): void {
    const { trace } = this.options;
    if (trace) trace(`${this.scheduler.nowMs.toFixed(1).padStart(9)} ms  ${line()}`);
  }
}

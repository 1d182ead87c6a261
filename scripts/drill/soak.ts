import { randomUUID } from "node:crypto";
import { systemSleep } from "@/lib/clock";
import { readOverview } from "@/lib/db/regions/overview";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { writeRow } from "@/lib/db/writes/write-row";
import { openLoop } from "@/lib/open-loop";
import { DURABILITIES } from "@/lib/policy-defaults";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { insertOrFind } from "./drill-row";
import { judgeWrites } from "./judge-writes";
import { LeaderWatch } from "./leader-watch";
import { openPlanet, type DrillRegion } from "./planet-runtime";
import { MemoryWatch, type ProcessMemory } from "./process-memory";
import { moveToSmallDisk, soakFaults, type SmallDisk } from "./soak-faults";
import { until } from "./until";
import type { Acknowledged } from "./write-gaps";

export interface SoakOptions {
  minutes: number;
  log: (line: string) => void;
}

export interface SoakResult {
  minutes: number;
  /** In their order. */
  faults: string[];
  /** Why the full disk could not be tried; null where it was. */
  noDisk: string | null;
  acknowledged: number;
  lost: number;
  dualLeader: number;
  stranded: number;
  /** Not acknowledged within 10 s. */
  failedWrites: number;
  pages: { asked: number; failed: number };
  /** From the end of the last fault until every region had every acknowledged write. */
  settledMs: number;
  memory: ProcessMemory[];
  /** Sessions of each server, while the load was steady and nothing was broken yet, and at the end. */
  connections: { region: string; before: number; after: number }[];
  /** What a person would have to start again. */
  hands: string[];
}

const WRITE_EVERY_MS = 50;
const PAGE_EVERY_MS = 200;
const MAX_OPEN = 250;
const CLIENT_WAIT_MS = 10_000;
const PAGE_MS = 10_000;
const SETTLE_MS = 120_000;
/** A worker that has reported within this time runs. */
const FRESH_MS = 5_000;
const MINUTE_MS = 60_000;
/** Before the first fault. */
const WARM_UP_MS = MINUTE_MS;
const PAGES = ["/", "/sign-in", "/leaderboard", "/content"];

/** A steady load for minutes, with each fault once, and what is left of it in memory and connections. */
export async function drillSoak(options: SoakOptions): Promise<SoakResult> {
  const planet = new ChildPlanet(["--production"]);
  let disk: SmallDisk | string = "not tried";
  let soak: Soak | undefined;
  try {
    options.log("starting a planet with the production build");
    await planet.start();
    soak = new Soak(planet, options);
    disk = await moveToSmallDisk(soak.regions.at(-1)!);
    if (typeof disk === "string") options.log(disk);
    return await soak.run(disk);
  } finally {
    await soak?.close();
    await planet.stop();
    if (typeof disk !== "string") disk.remove();
  }
}

class Soak {
  readonly regions: DrillRegion[];
  private readonly runtime: Runtime;
  private readonly ended = new AbortController();
  private readonly acknowledged: Acknowledged[] = [];
  private readonly leaders = new LeaderWatch();
  private readonly memory = new MemoryWatch();
  private readonly pages = { asked: 0, failed: 0 };
  private failedWrites = 0;

  constructor(
    private readonly planet: ChildPlanet,
    private readonly options: SoakOptions,
  ) {
    const { regions, topology } = openPlanet(planet);
    this.regions = regions;
    this.runtime = new Runtime(() => topology);
  }

  async close(): Promise<void> {
    this.ended.abort();
    await this.runtime.close();
    await Promise.all(this.regions.map(({ pool }) => pool.end()));
  }

  async run(disk: SmallDisk | string): Promise<SoakResult> {
    const { log, minutes } = this.options;
    const { signal } = this.ended;
    const endMs = performance.now() + minutes * MINUTE_MS;
    const pools = this.regions.map(({ pool }) => pool);
    const load = [
      openLoop({ everyMs: WRITE_EVERY_MS, maxOpen: MAX_OPEN, start: (n) => this.write(n) }, signal),
      openLoop({ everyMs: PAGE_EVERY_MS, maxOpen: MAX_OPEN, start: (n) => this.page(n) }, signal),
      this.leaders.run(pools, signal),
      this.memory.run(this.planet, signal),
    ];
    await systemSleep(WARM_UP_MS);
    const before = await this.connections();
    const faults = soakFaults(this.planet, this.regions, disk);
    for (const [at, { name, run }] of faults.entries()) {
      log(`${name}; ${this.acknowledged.length} acknowledged, ${this.failedWrites} failed before`);
      await run();
      // What is left of the time, in equal parts between the faults, one more after the last.
      const left = endMs - performance.now();
      await systemSleep(Math.max(5_000, left / (faults.length - at) - 20_000));
    }
    const overMs = performance.now();
    await systemSleep(Math.max(0, endMs - overMs));
    const after = await this.connections();
    this.ended.abort();
    await Promise.all(load);
    log("waiting for every region to have everything");
    const { lost, stranded, interleaved } = await judgeWrites(pools, this.acknowledged, SETTLE_MS);
    return {
      minutes,
      faults: faults.map(({ name }) => name),
      noDisk: typeof disk === "string" ? disk : null,
      acknowledged: this.acknowledged.length,
      lost,
      dualLeader: this.leaders.dual + interleaved,
      stranded,
      failedWrites: this.failedWrites,
      pages: this.pages,
      settledMs: Math.round(performance.now() - overMs),
      memory: this.memory.result(),
      connections: this.regions.map(({ id }) => ({
        region: id,
        before: before.get(id) ?? 0,
        after: after.get(id) ?? 0,
      })),
      hands: await this.needed(),
    };
  }

  private async write(turn: number): Promise<void> {
    const id = randomUUID();
    const vantage = this.regions[turn % this.regions.length]!.id;
    const durability = DURABILITIES[Math.floor(turn / this.regions.length) % DURABILITIES.length]!;
    const outcome = await writeRow("User", vantage, (db) => insertOrFind(db, id), {
      durability,
      waitMs: CLIENT_WAIT_MS,
      runtime: () => this.runtime,
    }).catch(() => null);
    if (outcome?.kind === "placed" && outcome.confirmation.kind !== "indeterminate") {
      const { regionId } = outcome;
      this.acknowledged.push({ id, regionId, durability, atMs: performance.now() });
    } else this.failedWrites += 1;
  }

  private async page(turn: number): Promise<void> {
    this.pages.asked += 1;
    const page = `${this.planet.cluster().web}${PAGES[turn % PAGES.length]}`;
    const answered = await fetch(page, { signal: AbortSignal.timeout(PAGE_MS) }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok;
      },
      () => false,
    );
    if (!answered) this.pages.failed += 1;
  }

  private async connections(): Promise<Map<RegionId, number>> {
    const counted = this.regions.map(async ({ id, pool }) => {
      const { rows } = await pool.query<{ count: number }>(
        "SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'",
      );
      return [id, rows[0]!.count] as const;
    });
    return new Map(await Promise.all(counted));
  }

  /** Processes that are not there, pages that are not answered, and regions without a leader or a worker. */
  private async needed(): Promise<string[]> {
    const hands: string[] = [];
    const look = async (what: string, holds: () => Promise<boolean>) => {
      await until(what, holds, { timeoutMs: 30_000 }).catch(() => hands.push(what));
    };
    const running = new Set((await this.planet.processes()).map(({ name }) => name));
    const expected = ["web", "redis", ...this.regions.map(({ id }) => `worker-${id}`)];
    for (const name of expected) if (!running.has(name)) hands.push(`${name} does not run`);
    const { web } = this.planet.cluster();
    await look("the app to be ready", async () => (await fetch(`${web}/api/health/ready`)).ok);
    for (const { id } of this.regions) {
      await look(`the worker of ${id} to report`, async () => {
        const { worker } = await readOverview(this.runtime.clients.read(id, id));
        return worker !== null && worker.ageMs < FRESH_MS;
      });
    }
    return hands;
  }
}

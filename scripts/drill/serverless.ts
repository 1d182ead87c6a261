import { randomUUID } from "node:crypto";
import { systemSleep } from "@/lib/clock";
import type { EntityType } from "@/lib/db/conflicts/entities";
import { toPosition } from "@/lib/db/sessions/positions";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import type { Topology } from "@/lib/db/regions/topology";
import { tickRegions } from "@/lib/db/ticks/region-ticks";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { writeRow, type WrittenRow } from "@/lib/db/writes/write-row";
import { openLoop } from "@/lib/open-loop";
import { DURABILITIES, type Durability } from "@/lib/policy-defaults";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { signal } from "@/scripts/local/process-tools";
import { insertOrFind } from "./drill-row";
import { judgeWrites } from "./judge-writes";
import { databasePid, leadingEpoch } from "./leaders";
import { LeaderWatch } from "./leader-watch";
import { openPlanet, type DrillRegion } from "./planet-runtime";
import { until } from "./until";
import { longestGap, quantiles, type Acknowledged, type Quantiles } from "./write-gaps";

export interface ServerlessOptions {
  /** Each writes once and then reads that from another region. */
  sessions: number;
  /** Of the leading region's database, while clients write. */
  kills: number;
  log: (line: string) => void;
}

/** Of a drill without workers, in which each request has a runtime that has answered nothing before. */
export interface ServerlessResult {
  sessions: number;
  /** Reads that did not have what their session had written. */
  stale: number;
  /** Sessions whose write or read was refused. */
  failedSessions: number;
  /** Of the nearest region, in parts of all reads. */
  nearest: number;
  writeMs: Quantiles;
  readMs: Quantiles;
  kills: number;
  /** Longest time between two acknowledgements around each kill. */
  gapMs: Quantiles;
  acknowledged: number;
  lost: number;
  dualLeader: number;
  stranded: number;
  failedWrites: number;
}

/** As many sessions are open at once. */
const CLIENTS = 4;
const WRITE_EVERY_MS = 100;
/** Writes that wait for their answer at once. */
const MAX_OPEN = 24;
const CLIENT_WAIT_MS = 10_000;
const CRON_EVERY_MS = 60_000;
const CRON_MS = 8_000;
const CALM_MS = 6_000;
const ROUND_MS = 90_000;

export async function drillServerless(options: ServerlessOptions): Promise<ServerlessResult> {
  const planet = new ChildPlanet(["--headless", "--serverless"]);
  let drill: ServerlessDrill | undefined;
  try {
    options.log("starting a planet without workers");
    await planet.start();
    drill = new ServerlessDrill(planet, options);
    return await drill.run();
  } finally {
    await drill?.close();
    await planet.stop();
  }
}

class ServerlessDrill {
  private readonly regions: readonly DrillRegion[];
  private readonly topology: Topology;
  private readonly ended = new AbortController();
  private readonly acknowledged: Acknowledged[] = [];
  private failedWrites = 0;
  private readonly leaders = new LeaderWatch();

  constructor(
    private readonly planet: ChildPlanet,
    private readonly options: ServerlessOptions,
  ) {
    const { regions, topology } = openPlanet(planet);
    this.regions = regions;
    this.topology = { ...topology, serverless: true };
  }

  async run(): Promise<ServerlessResult> {
    const cron = this.cron();
    const pools = this.regions.map(({ pool }) => pool);
    const watching = this.leaders.run(pools, this.ended.signal);
    const sessions = await this.runSessions();
    const gaps = await this.runKills();
    this.options.log("waiting for all regions to have everything");
    const judged = await Promise.all([
      judgeWrites(
        this.regions.map(({ pool }) => pool),
        this.acknowledged,
        ROUND_MS,
      ),
      // What a platform's scheduler does within the minute.
      this.tick(),
    ]);
    this.ended.abort();
    await Promise.all([cron, watching]);
    const [{ lost, stranded, interleaved }] = judged;
    if (interleaved > 0) this.options.log(`${interleaved} more changes of origin than promotions`);
    if (this.leaders.dual > 0) this.options.log(`a former leader led ${this.leaders.dual} times`);
    return {
      ...sessions,
      kills: gaps.length,
      gapMs: quantiles(gaps),
      acknowledged: this.acknowledged.length,
      lost,
      dualLeader: this.leaders.dual + interleaved,
      stranded,
      failedWrites: this.failedWrites,
    };
  }

  async close(): Promise<void> {
    this.ended.abort();
    await Promise.all(this.regions.map(({ pool }) => pool.end()));
  }

  /** What one request does, and then what it does once it has answered. */
  private async request<T>(work: (runtime: Runtime) => Promise<T>): Promise<T> {
    const runtime = new Runtime(() => this.topology);
    try {
      return await work(runtime);
    } finally {
      void runtime.close();
    }
  }

  private async runSessions() {
    const writeMs: number[] = [];
    const readMs: number[] = [];
    let [stale, failedSessions, nearest, begun] = [0, 0, 0, 0];
    const client = async () => {
      while (begun < this.options.sessions) {
        const n = begun++;
        const there = this.regions[n % this.regions.length]!.id;
        const here = this.regions[(n + 1) % this.regions.length]!.id;
        const entity = n % 2 === 0 ? "User" : "Document";
        const startedMs = performance.now();
        const write = await this.write(entity, there, "region");
        if (write === null) {
          failedSessions += 1;
          continue;
        }
        const wroteMs = performance.now();
        const read = await this.read(entity, here, write);
        if (read === null) failedSessions += 1;
        else {
          writeMs.push(wroteMs - startedMs);
          readMs.push(performance.now() - wroteMs);
          if (!read.found) {
            stale += 1;
            this.options.log(`${entity} of ${there} from ${here}: ${read.how}`);
          }
          if (read.regionId === here) nearest += 1;
        }
        if (n % 100 === 99) this.options.log(`${n + 1} sessions, ${stale} stale`);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return {
      sessions: this.options.sessions,
      stale,
      failedSessions,
      nearest: Math.round((100 * nearest) / Math.max(1, readMs.length)) / 100,
      writeMs: quantiles(writeMs),
      readMs: quantiles(readMs),
    };
  }

  private async write(
    entity: EntityType,
    vantage: RegionId,
    durability: Durability,
  ): Promise<WrittenRow | null> {
    const id = randomUUID();
    return this.request(async (runtime) => {
      const outcome = await writeRow(
        entity,
        vantage,
        (db) => (entity === "User" ? insertOrFind(db, id) : insertDocument(db, id)),
        { durability, waitMs: CLIENT_WAIT_MS, runtime: () => runtime },
      ).catch((error: unknown) => ({ kind: "failed" as const, detail: String(error) }));
      if (outcome.kind !== "placed" || outcome.confirmation.kind === "indeterminate") {
        const detail = "detail" in outcome ? outcome.detail : "indeterminate";
        this.options.log(`${entity} from ${vantage}: ${outcome.kind}: ${detail}`);
        return null;
      }
      if (entity === "User") {
        const { regionId } = outcome;
        this.acknowledged.push({ id, regionId, durability, atMs: performance.now() });
      }
      return outcome.value;
    });
  }

  private async read(
    entity: EntityType,
    vantage: RegionId,
    { id, origin, position }: WrittenRow,
  ): Promise<{ found: boolean; regionId: RegionId; how: string } | null> {
    const positions = new Map([[origin as Actor, toPosition(position)]]);
    return this.request(async (runtime) => {
      const sessions = new ReadYourWritesManager(() => runtime);
      const { data, regionId, receipt } = await sessions.ensureConsistency(
        id,
        vantage,
        (db) => isThere(db, entity, id),
        { vantage, token: { kind: "valid", positions } },
      );
      const { reason, stale, waitedMs, elapsedMs } = receipt;
      const how = `${reason}${stale ? ", and said so" : ""}, ${waitedMs} of ${elapsedMs} ms waited`;
      return { found: data, regionId, how };
    }).catch((error: unknown) => {
      this.options.log(`${entity} read from ${vantage}: ${String(error)}`);
      return null;
    });
  }

  /** Returns the gap around each kill. */
  private async runKills(): Promise<number[]> {
    const stop = new AbortController();
    const writers = this.writeUntil(stop.signal);
    const gaps: number[] = [];
    for (let round = 1; round <= this.options.kills; round++) {
      await systemSleep(CALM_MS);
      const leader = await this.leader();
      const startMs = performance.now();
      signal(databasePid(this.planet, leader.id), "SIGKILL");
      const written = (kind: Durability) => () =>
        Promise.resolve(
          this.acknowledged.some(
            (write) =>
              write.durability === kind && write.regionId !== leader.id && write.atMs > startMs,
          ),
        );
      for (const kind of DURABILITIES) {
        await until(`a write with durability ${kind}`, written(kind), {
          timeoutMs: ROUND_MS,
          everyMs: 20,
        });
      }
      await systemSleep(500);
      const gap = longestGap(this.acknowledged, startMs, performance.now());
      gaps.push(gap);
      this.options.log(`round ${round}: ${leader.id} killed, ${Math.round(gap)} ms`);
      const back = async () => {
        await leader.pool.query("SELECT 1");
        return true;
      };
      await until(`${leader.id} to be back`, back, { timeoutMs: ROUND_MS });
    }
    stop.abort();
    await writers;
    return gaps;
  }

  private async leader(): Promise<DrillRegion> {
    let found: DrillRegion | undefined;
    const isLed = async () => {
      const epochs = await Promise.all(this.regions.map(({ pool }) => leadingEpoch(pool)));
      found = this.regions[epochs.findIndex((epoch) => epoch !== null)];
      return found !== undefined;
    };
    await until("a leader", isLed, { timeoutMs: ROUND_MS, everyMs: 20 });
    return found!;
  }

  private writeUntil(end: AbortSignal): Promise<void> {
    const start = async (turn: number) => {
      const vantage = this.regions[turn % this.regions.length]!.id;
      const durability = DURABILITIES[turn % DURABILITIES.length]!;
      const row = await this.write("User", vantage, durability);
      if (row === null) this.failedWrites += 1;
    };
    return openLoop({ everyMs: WRITE_EVERY_MS, maxOpen: MAX_OPEN, start }, end);
  }

  private async cron(): Promise<void> {
    while (!this.ended.signal.aborted) {
      await systemSleep(CRON_EVERY_MS, this.ended.signal);
      if (!this.ended.signal.aborted) await this.tick();
    }
  }

  private async tick(): Promise<void> {
    for (const { region, error } of await tickRegions(this.topology, () => () => [], CRON_MS)) {
      if (error !== null) this.options.log(`tick of ${region}: ${error}`);
    }
  }
}

async function insertDocument(db: PrismaClient, id: string): Promise<WrittenRow> {
  const rows = await db.$queryRaw<WrittenRow[]>`
    INSERT INTO "Document" (id, title, "ownerId") VALUES (${id}, 'drill', 'drill')
    ON CONFLICT (id) DO UPDATE SET title = EXCLUDED.title
    RETURNING id, origin, position`;
  return rows[0]!;
}

async function isThere(db: PrismaClient, entity: EntityType, id: string): Promise<boolean> {
  const rows =
    entity === "User"
      ? await db.$queryRaw<unknown[]>`SELECT 1 FROM "User" WHERE id = ${id}`
      : await db.$queryRaw<unknown[]>`SELECT 1 FROM "Document" WHERE id = ${id}`;
  return rows.length === 1;
}

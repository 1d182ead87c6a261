import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { Durability } from "@/lib/db/conflicts/policy";
import { readAttempt, readAttempts } from "@/lib/db/failover/history";
import { DEFAULT_FAILOVER_SETTINGS } from "@/lib/db/failover/settings";
import { RegionTimeoutError } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import type { Endpoints, Topology } from "@/lib/db/regions/topology";
import { writeRow, type WrittenRow } from "@/lib/db/writes/write-row";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { STANDARD_DEFAULTS } from "@/lib/policy-defaults";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { ChildPlanet } from "@/scripts/local/child-planet";

export interface LeadershipDrillOptions {
  kind: "failover" | "switchover";
  rounds: number;
  /** Of the clients' writes; "mixed": in turn. */
  durability: Durability | "mixed";
  /** Redis is killed with each fault. */
  killRedis: boolean;
  log: (line: string) => void;
  /** Flags of the planet, such as --no-redis. */
  planet?: readonly string[];
}

interface Quantiles {
  p50: number;
  p95: number;
  max: number;
}

/** Of a drill. */
export interface LeadershipDrillResult {
  rounds: number;
  /** Longest time between two acknowledgements in each round. */
  gapMs: Quantiles;
  /** The same between acknowledgements with quorum durability alone: these wait for other regions too. */
  quorumGapMs: Quantiles;
  acknowledged: number;
  /** Acknowledged, and in some region neither present nor, in region durability, listed as stranded. */
  lost: number;
  /** Moments in which a former leader could write beside a later one, and writes that it took then. */
  dualLeader: number;
  /** Writes of a former leader that the next one began without. */
  stranded: number;
  /** Of these: part of what all regions have now. The others have a conflict record. */
  merged: number;
  /** Not acknowledged within the client's bounded wait. */
  failedWrites: number;
}

const WRITE_EVERY_MS = 20;
const WATCH_EVERY_MS = 20;
const WARM_UP_MS = 3_000;
const CLIENT_WAIT_MS = 10_000;
/** Writes that wait for their answer at once: those of five seconds. */
const MAX_OPEN = 250;
const STOPPED_MS = 10_000;
const ROUND_MS = 60_000;

interface Acknowledged {
  id: string;
  durability: Durability;
  atMs: number;
}

interface Region {
  id: RegionId;
  pool: pg.Pool;
}

/** Writers in every region, while the leading database is killed, stopped or asked to hand over. */
export async function drillLeadership(
  options: LeadershipDrillOptions,
): Promise<LeadershipDrillResult> {
  const planet = new ChildPlanet(["--headless", ...(options.planet ?? [])]);
  const drill = new LeadershipDrill(planet, options);
  try {
    options.log("starting a planet");
    await planet.start();
    return await drill.run();
  } finally {
    await drill.close();
    await planet.stop();
  }
}

class LeadershipDrill {
  private regions: Region[] = [];
  private runtime: Runtime | undefined;
  private readonly ended = new AbortController();
  private readonly acknowledged: Acknowledged[] = [];
  private failed = 0;
  private dual = 0;
  private newestEpoch = 0n;

  constructor(
    private readonly planet: ChildPlanet,
    private readonly options: LeadershipDrillOptions,
  ) {}

  async run(): Promise<LeadershipDrillResult> {
    this.regions = this.planet.cluster().regions.map(({ id, directUrl }) => {
      const pool = new pg.Pool({ connectionString: directUrl, max: 4, query_timeout: 15_000 });
      pool.on("error", () => undefined);
      pool.on("connect", (client) => client.on("error", () => undefined));
      return { id: id as RegionId, pool };
    });
    const topology = this.topology();
    this.runtime = new Runtime(() => topology);
    this.options.log("opening connections");
    await this.openConnections(this.runtime);
    const watchers = this.regions.map((region) => this.watch(region));
    const writers = this.write();
    await this.untilWriting(performance.now() + WARM_UP_MS);
    const gaps: { any: number; quorum: number }[] = [];
    for (let round = 1; round <= this.options.rounds; round++) {
      const gap = await this.round(round);
      gaps.push(gap);
      const ms = `${Math.round(gap.any)} ms, with a quorum ${Math.round(gap.quorum)} ms`;
      this.options.log(`round ${round}: ${ms}${await this.lastSteps()}`);
    }
    this.ended.abort();
    await Promise.all([...watchers, writers]);
    return this.judge(gaps);
  }

  /** Those of an application that has been running: on a link of 110 ms one takes more than a second. */
  private async openConnections({ clients }: Runtime): Promise<void> {
    for (const { id: vantage } of this.regions) {
      for (const { id } of this.regions) {
        const hold = () => clients.write(vantage, id).$queryRaw`SELECT pg_sleep(0.3)::text`;
        // One that does not come about in time is opened by a write.
        await Promise.allSettled(Array.from({ length: 8 }, hold));
      }
    }
  }

  async close(): Promise<void> {
    this.ended.abort();
    await this.runtime?.close();
    await Promise.all(this.regions.map(({ pool }) => pool.end()));
  }

  private async round(round: number): Promise<{ any: number; quorum: number }> {
    const leader = await this.settled();
    const startMs = performance.now();
    if (this.options.killRedis) await this.killRedis();
    const heal = await this.fault(leader, round);
    await this.untilAnotherLeads(leader);
    await this.untilWriting(performance.now());
    await systemSleep(500);
    const endMs = performance.now();
    await heal();
    return {
      any: this.longestGap(startMs, endMs, () => true),
      quorum: this.longestGap(startMs, endMs, ({ durability }) => durability === "quorum"),
    };
  }

  /** Of the newest attempt that any region knows, for whoever wonders where the time went. */
  private async lastSteps(): Promise<string> {
    const lists = await Promise.all(
      this.regions.map(({ pool }) => readAttempts(pool, 1).catch(() => [])),
    );
    const [newest] = lists.flat().sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1));
    if (!newest) return "";
    const steps = newest.steps.map(({ name, ms }) => `${name} ${ms}`).join(", ");
    return ` (${newest.from} to ${newest.to}, ${newest.status}: ${steps})`;
  }

  /** Returns what ends the fault. */
  private async fault(leader: Region, round: number): Promise<() => Promise<void>> {
    if (this.options.kind === "switchover") {
      const others = this.regions.filter((region) => region !== leader);
      const target = others[round % others.length] ?? leader;
      await this.handOver(leader, target);
      return async () => undefined;
    }
    const pid = this.planet.cluster().regions.find(({ id }) => id === leader.id)?.pid;
    if (!pid) throw new Error(`No process of ${leader.id}`);
    if (round % 2 === 1) {
      this.options.log(`kill -9 ${leader.id}`);
      process.kill(pid, "SIGKILL");
      return async () => undefined;
    }
    this.options.log(`stop ${leader.id}`);
    // Each backend is a session of its own: a signal to the group would stop the postmaster alone.
    const tree = [pid, ...childrenOf(pid)];
    for (const each of tree) signal(each, "SIGSTOP");
    const stoppedAtMs = performance.now();
    return async () => {
      await systemSleep(STOPPED_MS - (performance.now() - stoppedAtMs));
      for (const each of tree) signal(each, "SIGCONT");
    };
  }

  /** A request that is refused or rolled back is made again, as an operator would. */
  private handOver(leader: Region, target: Region): Promise<void> {
    return until(ROUND_MS, "a hand-over", async () => {
      const id = randomUUID();
      const { rows } = await target.pool.query<{ answer: string }>(
        "SELECT mr.request_leadership($1, 'switchover', $2, 'drill', 'drill') AS answer",
        [id, leader.id],
      );
      if (rows[0]?.answer !== "requested") return false;
      let ended = await readAttempt(target.pool, id);
      while (!ended?.completedAt) {
        await systemSleep(20);
        ended = await readAttempt(target.pool, id);
      }
      if (ended.status === "completed") return true;
      this.options.log(`${ended.status}: ${ended.error}`);
      return false;
    });
  }

  private async killRedis(): Promise<void> {
    const processes = await this.planet.processes();
    const redis = processes.find(({ name }) => name === "redis");
    if (!redis) throw new Error("There is no Redis to kill");
    signal(redis.pid, "SIGKILL");
  }

  /** One leader that all regions know, all of them answering, and the cool-down over. */
  private async settled(): Promise<Region> {
    let found: Region | undefined;
    await until(ROUND_MS, "one leader that all know", async () => {
      const states = await Promise.all(
        this.regions.map(async (region) => {
          const { rows } = await region.pool.query<{
            leads: boolean;
            leader: string;
            cool: boolean;
          }>(
            `SELECT mr.leading() IS NOT NULL AS leads, leader,
               since < clock_timestamp() - interval '3 s' AS cool FROM mr.leadership`,
          );
          return { region, ...rows[0] };
        }),
      );
      const leading = states.filter(({ leads }) => leads);
      found = leading[0]?.region;
      return (
        leading.length === 1 &&
        states.every(({ leader, cool }) => leader === found?.id && cool === true)
      );
    });
    if (!found) throw new Error("Nobody leads");
    return found;
  }

  private untilAnotherLeads(former: Region): Promise<void> {
    const others = this.regions.filter((region) => region !== former);
    return until(ROUND_MS, "another leader", async () => {
      const answers = await Promise.all(others.map(({ pool }) => leadingEpoch(pool)));
      return answers.some((epoch) => epoch !== null);
    });
  }

  private untilWriting(sinceMs: number): Promise<void> {
    return until(ROUND_MS, "writes", async () => (this.acknowledged.at(-1)?.atMs ?? 0) > sinceMs);
  }

  private longestGap(
    startMs: number,
    endMs: number,
    counts: (write: Acknowledged) => boolean,
  ): number {
    const times = this.acknowledged
      .filter(counts)
      .map(({ atMs }) => atMs)
      .filter((atMs) => atMs <= endMs);
    const first = times.findLastIndex((atMs) => atMs <= startMs);
    let longest = 0;
    for (let i = Math.max(first, 0) + 1; i < times.length; i++) {
      longest = Math.max(longest, (times[i] ?? 0) - (times[i - 1] ?? 0));
    }
    return longest;
  }

  /** One write every 20 ms, from the regions in turn, whether or not earlier ones have been answered. */
  private async write(): Promise<void> {
    const { signal: end } = this.ended;
    const open = new Set<Promise<void>>();
    for (let sent = 0; !end.aborted; sent++) {
      const vantage = this.regions[sent % this.regions.length]!.id;
      if (open.size < MAX_OPEN) {
        const write = this.writeOnce(vantage, this.durabilityOf(sent)).finally(() =>
          open.delete(write),
        );
        open.add(write);
      }
      await systemSleep(WRITE_EVERY_MS, end);
    }
    await Promise.all(open);
  }

  private durabilityOf(sent: number): Durability {
    const { durability } = this.options;
    if (durability !== "mixed") return durability;
    return sent % 2 === 0 ? "region" : "quorum";
  }

  private async writeOnce(vantage: RegionId, durability: Durability): Promise<void> {
    const id = randomUUID();
    const outcome = await writeRow("User", vantage, (db) => insertOrFind(db, id), {
      durability,
      waitMs: CLIENT_WAIT_MS,
      runtime: () => this.runtime!,
    }).catch((error: unknown) => ({ kind: "failed" as const, detail: String(error) }));
    const unsettled = outcome.kind === "placed" ? outcome.confirmation : outcome;
    if (unsettled.kind === "held" || unsettled.kind === "region") {
      this.acknowledged.push({ id, durability, atMs: performance.now() });
    } else if (this.acknowledged.length > 0) {
      this.failed += 1;
      this.options.log(`${vantage}: ${unsettled.kind}: ${unsettled.detail}`);
    }
  }

  /**
   * A database that says that it leads an epoch, asked after a later one had already been seen to be
   * led, is a second leader.
   */
  private async watch({ pool }: Region): Promise<void> {
    while (!this.ended.signal.aborted) {
      const newest = this.newestEpoch;
      const epoch = await leadingEpoch(pool);
      if (epoch !== null && epoch < newest) this.dual += 1;
      if (epoch !== null && epoch > this.newestEpoch) this.newestEpoch = epoch;
      await systemSleep(WATCH_EVERY_MS, this.ended.signal);
    }
  }

  private async judge(
    gaps: readonly { any: number; quorum: number }[],
  ): Promise<LeadershipDrillResult> {
    const ids = this.acknowledged.map(({ id }) => id);
    const quorum = new Set(
      this.acknowledged.flatMap(({ id, durability }) => (durability === "quorum" ? [id] : [])),
    );
    let missing: string[] = [];
    await until(ROUND_MS, "all regions to have everything", async () => {
      const lists = await Promise.all(
        this.regions.map(async ({ pool }) => {
          const { rows } = await pool.query<{ id: string }>(
            `SELECT i.id FROM unnest($1::text[]) i (id)
             WHERE NOT EXISTS (SELECT FROM "User" u WHERE u.id = i.id)`,
            [ids],
          );
          return rows.map(({ id }) => id);
        }),
      );
      missing = [...new Set(lists.flat())];
      return missing.length === 0;
    }).catch(() => undefined);
    const stranded = new Map<string, string>();
    for (const { pool } of this.regions) {
      const { rows } = await pool.query<{ entity_id: string; outcome: string }>(
        "SELECT entity_id, outcome FROM mr.stranded_write",
      );
      for (const { entity_id, outcome } of rows) stranded.set(entity_id, outcome);
    }
    return {
      rounds: gaps.length,
      gapMs: quantiles(gaps.map(({ any }) => any)),
      quorumGapMs: quantiles(gaps.map(({ quorum: ms }) => ms)),
      acknowledged: ids.length,
      lost: missing.filter((id) => quorum.has(id) || !stranded.has(id)).length,
      dualLeader: this.dual + (await this.interleaved()),
      stranded: stranded.size,
      merged: [...stranded.values()].filter((outcome) => outcome === "merged").length,
      failedWrites: this.failed,
    };
  }

  /**
   * Rows in the order of their stamps change their origin once per promotion: the databases share one
   * clock. More changes than promotions are writes of a former leader after the next one began.
   */
  private async interleaved(): Promise<number> {
    const [first] = this.regions;
    if (!first) return 0;
    const { rows } = await first.pool.query<{ changes: number }>(
      `SELECT count(*)::int AS changes FROM (
         SELECT origin, lag(origin) OVER (ORDER BY hlc) AS before FROM "User" WHERE name = 'drill') o
       WHERE origin <> before`,
    );
    // A region that was away may not have been told of every promotion yet.
    const promotions = new Set<string>();
    for (const { pool } of this.regions) {
      const told = await readAttempts(pool, 1_000);
      for (const { id, status } of told) {
        if (status === "completed" || status === "rolled_back") promotions.add(id);
      }
    }
    return Math.max(0, (rows[0]?.changes ?? 0) - promotions.size);
  }

  private topology(): Topology {
    const { from } = JSON.parse(readFileSync(path.join(this.planet.dir, "links.json"), "utf8")) as {
      from: Record<string, Record<string, Endpoints>>;
    };
    return {
      regions: DEFAULT_REGIONS.map((region) => ({ ...region, id: region.id as RegionId })),
      currentRegion: this.regions[0]!.id,
      sessionSecret: "",
      replicationSecret: "",
      failover: DEFAULT_FAILOVER_SETTINGS,
      defaults: STANDARD_DEFAULTS,
      endpoints: (vantage, region) => {
        const endpoints = from[vantage]?.[region];
        if (!endpoints) throw new Error(`No link from ${vantage} to ${region}`);
        return endpoints;
      },
    };
  }
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

/** What it returns is stamped: also when an earlier attempt made the row. */
async function insertOrFind(db: PrismaClient, id: string): Promise<WrittenRow> {
  const rows = await db.$queryRaw<WrittenRow[]>`
    WITH made AS (
      INSERT INTO "User" (id, email, name, "passwordHash")
      VALUES (${id}, ${`${id}@example.com`}, 'drill', 'x') ON CONFLICT (id) DO NOTHING
      RETURNING id, origin, position)
    SELECT id, origin, position FROM made
    UNION ALL SELECT id, origin, position FROM "User" WHERE id = ${id}
    LIMIT 1`;
  // Another transaction is about to commit it, or came between this one's snapshot and its insert.
  if (!rows[0]) throw new RegionTimeoutError(0);
  return rows[0];
}

async function leadingEpoch(pool: pg.Pool): Promise<bigint | null> {
  const answer = await pool
    .query<{ epoch: string | null }>("SELECT mr.leading()::text AS epoch")
    .catch(() => null);
  const epoch = answer?.rows[0]?.epoch;
  return epoch ? BigInt(epoch) : null;
}

async function until(
  timeoutMs: number,
  what: string,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    if (await condition().catch(() => false)) return;
    await systemSleep(20);
  }
  throw new Error(`Waited ${timeoutMs} ms for ${what}`);
}

function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
}

function parentOf(pid: string): number | null {
  try {
    // The command's name may hold blanks and brackets.
    const [, parent] =
      readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return Number(parent);
  } catch {
    return null; // ended meanwhile
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // ended meanwhile
  }
}

import { randomUUID } from "node:crypto";
import { systemSleep } from "@/lib/clock";
import type { Durability } from "@/lib/db/conflicts/policy";
import { readAttempt } from "@/lib/db/failover/history";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { formatSteps } from "@/lib/db/failover/write-history";
import { writeRow } from "@/lib/db/writes/write-row";
import { openLoop } from "@/lib/open-loop";
import { DURABILITIES } from "@/lib/policy-defaults";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { signal } from "@/scripts/local/process-tools";
import { courseOf } from "./course";
import { insertOrFind } from "./drill-row";
import { judgeWrites } from "./judge-writes";
import { databasePid, openConnections, settledLeader, untilAnotherLeads } from "./leaders";
import { LeaderWatch } from "./leader-watch";
import { openPlanet, type DrillRegion } from "./planet-runtime";
import { childrenOf } from "./process-tree";
import { until } from "./until";
import { longestGap, quantiles, type Acknowledged, type Quantiles } from "./write-gaps";

/** What a round begins with: the leading database killed, stopped, or asked to hand over. */
export type LeadershipFault = "kill" | "stop" | "hand-over";

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

/** Longest time between two acknowledgements in a round, ms. */
export interface RoundGap {
  fault: LeadershipFault;
  any: number;
  /** Between acknowledgements with quorum durability alone: these wait for other regions too. */
  quorum: number;
}

/** Of a drill. */
export interface LeadershipDrillResult {
  rounds: number;
  gaps: readonly RoundGap[];
  gapMs: Quantiles;
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
  /** Of each of them: from where, when after the fault, what it was answered, and its steps. */
  failures: readonly string[];
}

const WRITE_EVERY_MS = 20;
const WARM_UP_MS = 3_000;
const CLIENT_WAIT_MS = 10_000;
/** Writes that wait for their answer at once: those of five seconds. */
const MAX_OPEN = 250;
const STOPPED_MS = 10_000;
const ROUND_MS = 60_000;
const OFTEN = { timeoutMs: ROUND_MS, everyMs: 20 };

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
  private regions: DrillRegion[] = [];
  private runtime: Runtime | undefined;
  private readonly ended = new AbortController();
  private readonly acknowledged: Acknowledged[] = [];
  private readonly failures: string[] = [];
  private faultAtMs = 0;
  private readonly leaders = new LeaderWatch();

  constructor(
    private readonly planet: ChildPlanet,
    private readonly options: LeadershipDrillOptions,
  ) {}

  async run(): Promise<LeadershipDrillResult> {
    const { regions, topology } = openPlanet(this.planet);
    this.regions = regions;
    this.runtime = new Runtime(() => topology);
    this.options.log("opening connections");
    await openConnections(this.regions, this.runtime);
    const pools = this.regions.map(({ pool }) => pool);
    const watching = this.leaders.run(pools, this.ended.signal);
    const writers = this.write();
    await this.untilWriting(performance.now() + WARM_UP_MS);
    const gaps: RoundGap[] = [];
    for (let round = 1; round <= this.options.rounds; round++) {
      const gap = await this.round(round);
      gaps.push(gap);
      const ms = `${Math.round(gap.any)} ms, with a quorum ${Math.round(gap.quorum)} ms`;
      this.options.log(
        `round ${round}: ${ms}${await courseOf(this.regions, this.acknowledged, this.faultAtMs)}`,
      );
    }
    this.ended.abort();
    await Promise.all([watching, writers]);
    return this.judge(gaps);
  }

  async close(): Promise<void> {
    this.ended.abort();
    await this.runtime?.close();
    await Promise.all(this.regions.map(({ pool }) => pool.end()));
  }

  private async round(round: number): Promise<RoundGap> {
    const leader = await settledLeader(this.regions, ROUND_MS);
    const startMs = performance.now();
    this.faultAtMs = startMs;
    if (this.options.killRedis) await this.killRedis();
    const fault = this.faultOf(round);
    const heal = await this.inflict(fault, leader, round);
    await untilAnotherLeads(this.regions, leader, ROUND_MS);
    await this.untilWriting(performance.now());
    await systemSleep(500);
    const endMs = performance.now();
    await heal();
    return {
      fault,
      any: longestGap(this.acknowledged, startMs, endMs),
      quorum: longestGap(
        this.acknowledged,
        startMs,
        endMs,
        ({ durability }) => durability === "quorum",
      ),
    };
  }

  private faultOf(round: number): LeadershipFault {
    if (this.options.kind === "switchover") return "hand-over";
    return round % 2 === 1 ? "kill" : "stop";
  }

  /** Returns what ends the fault. */
  private async inflict(
    fault: LeadershipFault,
    leader: DrillRegion,
    round: number,
  ): Promise<() => Promise<void>> {
    if (fault === "hand-over") {
      const others = this.regions.filter((region) => region !== leader);
      const target = others[round % others.length] ?? leader;
      await this.handOver(leader, target);
      return async () => undefined;
    }
    const pid = databasePid(this.planet, leader.id);
    if (fault === "kill") {
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
  private handOver(leader: DrillRegion, target: DrillRegion): Promise<void> {
    const handOver = async () => {
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
    };
    return until("a hand-over", handOver, OFTEN);
  }

  private async killRedis(): Promise<void> {
    const processes = await this.planet.processes();
    const redis = processes.find(({ name }) => name === "redis");
    if (!redis) throw new Error("There is no Redis to kill");
    signal(redis.pid, "SIGKILL");
  }

  private untilWriting(sinceMs: number): Promise<void> {
    const { durability } = this.options;
    const kinds = durability === "mixed" ? DURABILITIES : [durability];
    const isWritten = (kind: Durability) =>
      this.acknowledged.some((write) => write.durability === kind && write.atMs > sinceMs);
    return until("writes", async () => kinds.every(isWritten), OFTEN);
  }

  /** One write every 20 ms, from the regions in turn, whether or not earlier ones have been answered. */
  private write(): Promise<void> {
    const { regions } = this;
    const start = (turn: number) =>
      this.writeOnce(regions[turn % regions.length]!.id, this.durabilityOf(turn));
    return openLoop({ everyMs: WRITE_EVERY_MS, maxOpen: MAX_OPEN, start }, this.ended.signal);
  }

  private durabilityOf(sent: number): Durability {
    const { durability } = this.options;
    if (durability !== "mixed") return durability;
    return sent % 2 === 0 ? "region" : "quorum";
  }

  private async writeOnce(vantage: RegionId, durability: Durability): Promise<void> {
    const id = randomUUID();
    const sentMs = performance.now();
    const outcome = await writeRow("User", vantage, (db) => insertOrFind(db, id), {
      durability,
      waitMs: CLIENT_WAIT_MS,
      runtime: () => this.runtime!,
    }).catch((error: unknown) => ({ kind: "failed" as const, detail: String(error) }));
    const result = outcome.kind === "placed" ? outcome.confirmation : outcome;
    if (result.kind === "held" || result.kind === "region") {
      const regionId = outcome.kind === "placed" ? outcome.regionId : vantage;
      this.acknowledged.push({ id, regionId, durability, atMs: performance.now() });
    } else if (this.acknowledged.length > 0) {
      const steps = "history" in outcome ? formatSteps(outcome.history) : "";
      const sinceFault = Math.round(sentMs - this.faultAtMs);
      const failure = `${vantage}, sent at ${sinceFault} ms: ${result.kind}: ${result.detail}\n  ${steps}`;
      this.failures.push(failure);
      this.options.log(failure);
    }
  }

  private async judge(gaps: readonly RoundGap[]): Promise<LeadershipDrillResult> {
    const { lost, stranded, merged, interleaved } = await judgeWrites(
      this.regions.map(({ pool }) => pool),
      this.acknowledged,
      ROUND_MS,
    );
    return {
      rounds: gaps.length,
      gaps,
      gapMs: quantiles(gaps.map(({ any }) => any)),
      quorumGapMs: quantiles(gaps.map(({ quorum: ms }) => ms)),
      acknowledged: this.acknowledged.length,
      lost,
      dualLeader: this.leaders.dual + interleaved,
      stranded,
      merged,
      failedWrites: this.failures.length,
      failures: this.failures,
    };
  }
}

import { systemSleep } from "@/lib/clock";
import type { LeadershipFault } from "@/scripts/drill/leadership";
import { until } from "@/scripts/drill/until";
import { longestGap } from "@/scripts/drill/write-gaps";
import type { PatroniCluster } from "./cluster";
import type { PatroniTimings } from "./configuration";
import type { PatroniNode } from "./node";
import { PatroniWriter } from "./writer";

const SETTLE_MS = 90_000;
const GAP_MS = 120_000;
/** Writes go on for so long before a round is over. */
const AFTER_MS = 500;

export interface PatroniGap {
  fault: LeadershipFault;
  ms: number;
}

export interface RoundsOptions {
  /** Of the log's lines. */
  label: string;
  timings: PatroniTimings;
  /** In turn, from the first on. */
  faults: readonly LeadershipFault[];
  log: (line: string) => void;
}

/** Faults of one cluster, one after the other, while a client writes. */
export class PatroniRounds {
  readonly gaps: PatroniGap[] = [];
  private readonly writer: PatroniWriter;

  constructor(
    private readonly cluster: PatroniCluster,
    private readonly options: RoundsOptions,
  ) {
    this.writer = new PatroniWriter(cluster.nodes);
  }

  get acknowledged(): number {
    return this.writer.acknowledged.length;
  }

  start(): Promise<void> {
    return this.writer.start();
  }

  async run(rounds: number): Promise<void> {
    const { label, log } = this.options;
    for (let round = 1; round <= rounds; round++) {
      const leader = await this.cluster.settledLeader(SETTLE_MS);
      const gap = await this.round(leader);
      this.gaps.push(gap);
      log(`${label}: ${gap.fault}: ${Math.round(gap.ms)} ms`);
    }
  }

  /** Once all nodes are back. @returns how many acknowledged writes are lost */
  async countLost(): Promise<number> {
    await this.cluster.settledLeader(SETTLE_MS);
    return this.writer.countLost();
  }

  close(): Promise<void> {
    return this.writer.close();
  }

  private async round(leader: PatroniNode): Promise<PatroniGap> {
    const { acknowledged } = this.writer;
    const { faults, timings } = this.options;
    const fault = faults[this.gaps.length % faults.length]!;
    // It comes at any moment of Patroni's loop, and a cluster settles at certain ones. A request wakes the loop.
    if (fault !== "hand-over") await systemSleep(Math.random() * timings.loopWait * 1_000);
    const startMs = performance.now();
    await this.inflict(fault, leader);
    const isOver = async () =>
      acknowledged.some(({ node, atMs }) => node !== leader && atMs > startMs);
    await until("writes to another primary", isOver, { timeoutMs: GAP_MS, everyMs: 20 });
    await systemSleep(AFTER_MS);
    const ms = longestGap(acknowledged, startMs, performance.now());
    if (fault === "kill") await leader.start();
    if (fault === "stop") leader.thaw();
    return { fault, ms };
  }

  private async inflict(fault: LeadershipFault, leader: PatroniNode): Promise<void> {
    switch (fault) {
      case "kill":
        return leader.kill();
      case "stop":
        return leader.freeze();
      case "hand-over":
        return this.handOver(leader);
      default:
        return fault satisfies never;
    }
  }

  /** A request that is refused or fails is made again, as an operator would. */
  private handOver(leader: PatroniNode): Promise<void> {
    const others = this.cluster.nodes.filter((node) => node !== leader);
    const candidate = others[this.gaps.length % others.length]!;
    const isLed = async () => {
      const answer = await this.cluster.switchOver(leader, candidate);
      if (answer !== true) this.options.log(`${this.options.label}: ${answer}`);
      return answer === true;
    };
    return until("a switchover", isLed, { timeoutMs: SETTLE_MS });
  }
}

import { drillLeadership, type LeadershipFault } from "@/scripts/drill/leadership";
import { gapRows, lostRow } from "./gap-rows";
import { DEFAULT_TIMINGS, fastestTimings, type PatroniTimings } from "./patroni/configuration";
import { PatroniHost } from "./patroni/host";
import { findPatroni, type PatroniPrograms } from "./patroni/programs";
import { PatroniRounds } from "./patroni/rounds";
import type { BenchResult, BenchRow } from "./statistics";

interface Plan {
  name: "failover" | "switchover";
  /** In turn. */
  faults: readonly LeadershipFault[];
  /** Of each fault: how its rows begin, and the target of our p95, ms. */
  rows: readonly { fault: LeadershipFault; what: string; p95AtMost: number }[];
  /** Rounds of a block, even where there are two faults. */
  rounds: Record<"own" | Setting, number>;
}

/** Of Patroni. */
type Setting = "fastest" | "defaults";

const FAILOVER: Plan = {
  name: "failover",
  faults: ["kill", "stop"],
  rows: [
    { fault: "kill", what: "gap, leader killed", p95AtMost: 3_000 },
    { fault: "stop", what: "gap, leader stopped", p95AtMost: 5_000 },
  ],
  rounds: { own: 8, fastest: 6, defaults: 2 },
};

const SWITCHOVER: Plan = {
  name: "switchover",
  faults: ["hand-over"],
  rows: [{ fault: "hand-over", what: "gap of a switchover", p95AtMost: 400 }],
  rounds: { own: 5, fastest: 3, defaults: 2 },
};

/**
 * Blocks of Patroni and of our own take turns: at the same time, each would have the other's processes in its gaps.
 * The clusters of a block of Patroni's run at once, for they mostly wait.
 */
const BLOCKS = 2;

const NOT_AVAILABLE = "Patroni (not available here)";

/** How long nobody acknowledges writes after the leader is killed or stopped. */
export const benchFailover = (): Promise<BenchResult> => benchGaps(FAILOVER);

/** How long nobody acknowledges writes while the lead is handed over. */
export const benchSwitchover = (): Promise<BenchResult> => benchGaps(SWITCHOVER);

const log = (line: string) => console.log(line);

/** All blocks together. */
interface Measured {
  gaps: { fault: LeadershipFault; ms: number }[];
  lost: number;
}

interface Peer extends Measured {
  name: string;
  setting: Setting;
  timings: PatroniTimings;
}

function peersOf({ version }: PatroniPrograms): Peer[] {
  const peer = (setting: Setting, timings: PatroniTimings): Peer => {
    const name = `Patroni ${version}, ${setting} (ttl ${timings.ttl} s)`;
    return { name, setting, timings, gaps: [], lost: 0 };
  };
  return [peer("fastest", fastestTimings(version)), peer("defaults", DEFAULT_TIMINGS)];
}

async function benchGaps(plan: Plan): Promise<BenchResult> {
  process.env.LOG_LEVEL ??= "error"; // its connections break on purpose
  // By way of listeners for "exit": what stands still could not end.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(1));
  const programs = await findPatroni(log);
  const own: Measured = { gaps: [], lost: 0 };
  const peers = programs ? peersOf(programs) : null;
  for (let block = 1; block <= BLOCKS; block++) {
    if (programs && peers) await measurePatroni(plan, programs, peers);
    await measureOwn(plan, own);
  }
  return { name: plan.name, rows: rowsOf(plan, own, peers) };
}

async function measureOwn(plan: Plan, own: Measured): Promise<void> {
  const { gaps, lost } = await drillLeadership({
    ...{ kind: plan.name, rounds: plan.rounds.own, durability: "mixed", killRedis: false, log },
  });
  own.gaps.push(...gaps.map(({ fault, any }) => ({ fault, ms: any })));
  own.lost += lost;
}

async function measurePatroni(
  plan: Plan,
  programs: PatroniPrograms,
  peers: readonly Peer[],
): Promise<void> {
  const host = new PatroniHost(programs);
  const running: PatroniRounds[] = [];
  try {
    log(`starting Patroni ${programs.version}`);
    await host.start();
    for (const { name, setting, timings } of peers) {
      const cluster = await host.startCluster(setting, timings);
      const rounds = new PatroniRounds(cluster, { label: name, timings, faults: plan.faults, log });
      running.push(rounds);
      await rounds.start();
    }
    await Promise.all(running.map((rounds, n) => rounds.run(plan.rounds[peers[n]!.setting])));
    for (const [n, rounds] of running.entries()) {
      const { name } = peers[n]!;
      const lost = await rounds.countLost();
      log(`${name}: ${rounds.acknowledged} acknowledged, ${lost} lost`);
      peers[n]!.gaps.push(...rounds.gaps);
      peers[n]!.lost += lost;
    }
  } finally {
    await Promise.all(running.map((rounds) => rounds.close()));
    await host.stop();
  }
}

function rowsOf(plan: Plan, own: Measured, peers: readonly Peer[] | null): BenchRow[] {
  const gapsOf = ({ gaps }: Measured, fault: LeadershipFault) =>
    gaps.filter((gap) => gap.fault === fault).map(({ ms }) => ms);
  const beside = (peers ?? [null]).map((measured) => ({
    peer: measured?.name ?? NOT_AVAILABLE,
    lost: measured?.lost ?? null,
    gaps: (fault: LeadershipFault) => (measured ? gapsOf(measured, fault) : null),
  }));
  return [
    ...plan.rows.flatMap(({ fault, what, p95AtMost }) =>
      beside.flatMap(({ peer, gaps }) =>
        gapRows(what, gapsOf(own, fault), { peer, gaps: gaps(fault) }, p95AtMost),
      ),
    ),
    ...beside.map(({ peer, lost }) => lostRow(peer, own.lost, lost)),
  ];
}

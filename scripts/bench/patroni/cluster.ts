import pg from "pg";
import { until } from "@/scripts/drill/until";
import { lastLines } from "./daemon";
import type { Member, PatroniNode } from "./node";

const START_MS = 90_000;

/** Three nodes, one of which leads while the others follow it. */
export class PatroniCluster {
  constructor(readonly nodes: readonly PatroniNode[]) {}

  async start(): Promise<void> {
    for (const node of this.nodes) {
      await node.prepare();
      await node.start();
    }
    try {
      await this.settledLeader(START_MS);
    } catch (error) {
      const logs = await Promise.all(this.nodes.map(({ logFile }) => lastLines(logFile)));
      throw new Error(`Patroni does not start:\n${logs.join("\n\n")}`, { cause: error });
    }
  }

  /** Once it leads, and all others stream from it. */
  async settledLeader(timeoutMs: number): Promise<PatroniNode> {
    let leader: PatroniNode | null = null;
    const isSettled = async () => (leader = await this.leaderIfSettled()) !== null;
    await until("a leader that all nodes follow", isSettled, { timeoutMs });
    return leader!;
  }

  /** `null` while none leads, or others do not follow it yet. */
  async leaderIfSettled(): Promise<PatroniNode | null> {
    if (!this.nodes.every(({ isRunning }) => isRunning)) return null;
    const views = await Promise.all(this.nodes.map((node) => node.members()));
    const names = views.map(settledLeaderOf);
    const leader = this.nodes.find(({ name }) => names.every((each) => each === name));
    if (!leader) return null;
    const streaming = await ask(
      leader.url,
      "SELECT count(*)::int AS n FROM pg_stat_replication WHERE state = 'streaming'",
    );
    return streaming === this.nodes.length - 1 ? leader : null;
  }

  /** Through the leader's REST API. @returns whether the candidate leads; else why not, for a log */
  async switchOver(leader: PatroniNode, candidate: PatroniNode): Promise<true | string> {
    const response = await fetch(`${leader.api}/switchover`, {
      method: "POST",
      body: JSON.stringify({ leader: leader.name, candidate: candidate.name }),
    });
    return response.ok || `${response.status} ${await response.text()}`;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

/** The leader's name where every one of three members runs on its timeline. */
export function settledLeaderOf(members: readonly Member[]): string | null {
  const leader = members.find(({ role }) => role === "leader");
  if (!leader || members.length < 3) return null;
  const follows = ({ state, timeline }: Member) =>
    (state === "running" || state === "streaming") && timeline === leader.timeline;
  return members.every(follows) ? leader.name : null;
}

async function ask(url: string, query: string): Promise<number | undefined> {
  const client = new pg.Client({ connectionString: url, query_timeout: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ n: number }>(query);
    return rows[0]?.n;
  } finally {
    await client.end();
  }
}

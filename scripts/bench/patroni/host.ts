import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { localDir } from "@/scripts/local/paths";
import { freePort, waitUntil } from "@/scripts/local/process-tools";
import { planLaunch, type LaunchPlan } from "@/scripts/local/unprivileged";
import { PatroniCluster } from "./cluster";
import { etcdArguments, type PatroniTimings } from "./configuration";
import { lastLines, startDaemon, type Daemon } from "./daemon";
import { PatroniNode } from "./node";
import type { PatroniPrograms } from "./programs";

const NODES = 3;
const ETCD_START_MS = 15_000;

/** A folder, etcd, and the clusters that keep their keys in it. */
export class PatroniHost {
  private readonly dir: string;
  private readonly plan: LaunchPlan;
  private readonly clusters: PatroniCluster[] = [];
  private etcd: Daemon | undefined;
  private etcdPort = 0;

  constructor(private readonly programs: PatroniPrograms) {
    mkdirSync(localDir, { recursive: true });
    this.dir = mkdtempSync(path.join(localDir, "patroni-"));
    this.plan = planLaunch("TERM", { mustReach: [localDir, programs.root, programs.binDir] });
    if (this.plan.identity) chownSync(this.dir, this.plan.identity.uid, this.plan.identity.gid);
    process.once("exit", this.onExit);
  }

  private readonly onExit = () => {
    for (const { nodes } of this.clusters) nodes.forEach((node) => node.abandon());
    this.etcd?.ask();
  };

  async start(): Promise<void> {
    this.etcdPort = await freePort(0);
    const data = path.join(this.dir, "etcd");
    const logFile = path.join(this.dir, "etcd.log");
    this.etcd = await startDaemon({
      name: "etcd",
      command: [this.programs.etcd, ...etcdArguments(data, this.etcdPort, await freePort(0))],
      ...{ plan: this.plan, env: this.programs.env, dir: this.dir, logFile },
    });
    const isHealthy = async () => {
      const health = await fetch(`http://127.0.0.1:${this.etcdPort}/health`).catch(() => null);
      return health?.ok === true;
    };
    if (await waitUntil(isHealthy, ETCD_START_MS)) return;
    throw new Error(`etcd does not start:\n${await lastLines(logFile)}`);
  }

  /** Resolves once one of its nodes leads and all others follow it. */
  async startCluster(scope: string, timings: PatroniTimings): Promise<PatroniCluster> {
    const password = randomBytes(16).toString("hex");
    const nodes: PatroniNode[] = [];
    for (let n = 1; n <= NODES; n++) {
      const name = `${scope}-${n}`;
      const ports = { apiPort: await freePort(0), postgresPort: await freePort(0) };
      const options = { scope, name, timings, password, etcdPort: this.etcdPort, ...ports };
      const dir = path.join(this.dir, name);
      nodes.push(new PatroniNode(options, { dir, programs: this.programs, plan: this.plan }));
    }
    const cluster = new PatroniCluster(nodes);
    this.clusters.push(cluster);
    await cluster.start();
    return cluster;
  }

  /** Ends everything and removes its files. */
  async stop(): Promise<void> {
    await Promise.all(this.clusters.map((cluster) => cluster.stop()));
    await this.etcd?.stop();
    process.removeListener("exit", this.onExit);
    await rm(this.dir, { recursive: true, force: true });
  }
}

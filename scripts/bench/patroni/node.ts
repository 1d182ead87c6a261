import { chown, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { until } from "@/scripts/drill/until";
import { processesIn, signal } from "@/scripts/local/process-tools";
import type { LaunchPlan } from "@/scripts/local/unprivileged";
import {
  DATABASE,
  SUPERUSER,
  patroniConfiguration,
  type PatroniNodeOptions,
} from "./configuration";
import { startDaemon, type Daemon } from "./daemon";
import type { PatroniPrograms } from "./programs";

/** Of one node, as another one's agent or its own tells it. */
export interface Member {
  name: string;
  role: string;
  state: string;
  timeline?: number;
}

export interface NodeFiles {
  /** Its folder, empty. */
  dir: string;
  programs: PatroniPrograms;
  plan: LaunchPlan;
}

/** A Patroni agent and the PostgreSQL that it runs: what one machine would hold. */
export class PatroniNode {
  readonly url: string;
  private readonly dataDir: string;
  private readonly configuration: string;
  private agent: Daemon | undefined;
  private frozen: number[] = [];

  constructor(
    private readonly options: Omit<PatroniNodeOptions, "dataDir" | "passFile" | "binDir">,
    private readonly files: NodeFiles,
  ) {
    const { dir } = files;
    this.dataDir = path.join(dir, "data");
    this.configuration = path.join(dir, "patroni.yml");
    const password = encodeURIComponent(options.password);
    this.url = `postgresql://${SUPERUSER}:${password}@127.0.0.1:${options.postgresPort}/${DATABASE}`;
  }

  get name(): string {
    return this.options.name;
  }

  get api(): string {
    return `http://127.0.0.1:${this.options.apiPort}`;
  }

  get logFile(): string {
    return path.join(this.files.dir, "patroni.log");
  }

  get isRunning(): boolean {
    return this.agent?.isRunning() === true;
  }

  /** Writes its files. */
  async prepare(): Promise<void> {
    const { dir, programs, plan } = this.files;
    await mkdir(dir, { mode: 0o700 });
    const configuration = patroniConfiguration({
      ...this.options,
      binDir: programs.binDir,
      dataDir: this.dataDir,
      passFile: path.join(dir, "pgpass"),
    });
    // JSON is YAML.
    const text = JSON.stringify(configuration, null, 2);
    await writeFile(this.configuration, text, { mode: 0o600 });
    if (!plan.identity) return;
    for (const file of [dir, this.configuration]) {
      await chown(file, plan.identity.uid, plan.identity.gid);
    }
  }

  async start(): Promise<void> {
    const { dir, programs, plan } = this.files;
    const { patroni, env } = programs;
    this.agent = await startDaemon({
      ...{ name: `Patroni ${this.name}`, command: [...patroni, this.configuration] },
      ...{ plan, env, dir, logFile: this.logFile },
    });
  }

  /** What the cluster's members are, as this node's agent sees it. Throws where it does not answer. */
  async members(): Promise<readonly Member[]> {
    const response = await fetch(`${this.api}/cluster`, { signal: AbortSignal.timeout(2_000) });
    if (!response.ok) throw new Error(`${this.name} answered ${response.status}`);
    return ((await response.json()) as { members: Member[] }).members;
  }

  /** As a machine that loses power. */
  async kill(): Promise<void> {
    const { agent } = this;
    // The agent first: it would start PostgreSQL again.
    for (const pid of this.processes()) signal(pid, "SIGKILL");
    await agent?.exited;
    await until("the end of a node", async () => this.processes().length === 0, { everyMs: 20 });
  }

  /** As a machine that stands still: its sockets stay open and nothing answers. */
  freeze(): void {
    this.frozen = this.processes();
    for (const pid of this.frozen) signal(pid, "SIGSTOP");
  }

  thaw(): void {
    for (const pid of this.frozen.reverse()) signal(pid, "SIGCONT");
    this.frozen = [];
  }

  /** For a process that is about to exit: what stands still could not end. */
  abandon(): void {
    this.thaw();
    this.agent?.ask();
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.agent?.stop();
    await this.kill(); // what an agent that took too long has left
  }

  /** Of the agent, then of PostgreSQL: each works in a folder of the node. */
  private processes(): number[] {
    return [...processesIn(this.files.dir), ...processesIn(this.dataDir)];
  }
}

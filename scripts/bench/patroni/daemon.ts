import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { endProcess, signal } from "@/scripts/local/process-tools";
import type { LaunchPlan } from "@/scripts/local/unprivileged";

export interface DaemonOptions {
  /** Used in messages. */
  name: string;
  command: readonly string[];
  plan: LaunchPlan;
  env: Readonly<Record<string, string>>;
  /** Its working directory, by which whatever it starts is found again. */
  dir: string;
  logFile: string;
}

export interface Daemon {
  pid: number;
  /** Settled when it has ended, whatever ended it. */
  exited: Promise<void>;
  isRunning(): boolean;
  /** Asks it to end, and waits for nothing. */
  ask(): void;
  stop(): Promise<void>;
}

const STOP = [
  { signal: "SIGTERM", waitMs: 20_000 },
  { signal: "SIGKILL", waitMs: 5_000 },
] as const;

/** Starts a program that runs until it is stopped; where setpriv is, it ends with this process too. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { name, plan, dir } = options;
  const [program, ...args] = [...plan.prefix, ...options.command];
  const log = await open(options.logFile, "a", 0o600);
  const child = spawn(program!, args, {
    ...(plan.prefixSetsIdentity ? {} : plan.identity),
    cwd: dir,
    detached: true, // Ctrl-C reaches the launcher only
    stdio: ["ignore", log.fd, log.fd],
    env: {
      ...{ PATH: process.env.PATH, LC_ALL: "C.UTF-8", TZ: "UTC", HOME: dir },
      ...options.env,
    } as Partial<NodeJS.ProcessEnv> as NodeJS.ProcessEnv,
  });
  let running = true;
  const exited = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  }).then(() => {
    running = false;
  });
  await log.close();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} does not start: ${program} cannot be run`);
  return {
    pid,
    exited,
    isRunning: () => running,
    ask: () => {
      if (running) signal(pid, "SIGTERM");
    },
    stop: async () => {
      if (running) await endProcess(name, pid, STOP);
      await exited;
    },
  };
}

/** Of a log, for a message. */
export async function lastLines(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trim().split("\n").slice(-8).join("\n");
}

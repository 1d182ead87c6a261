import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { MeridianError } from "@/lib/errors";
import { projectRoot } from "@/scripts/local/paths";
import { endProcess, signal } from "@/scripts/local/process-tools";
import type { Exit, ManagedProcess } from "@/scripts/local/supervisor";

export class ProcessStartError extends MeridianError {
  constructor(name: string, exit: Exit, lastLines: readonly string[]) {
    const how = exit.signal ?? `exit code ${exit.code}`;
    super("process-start", `${name} ended while starting (${how}).\n${lastLines.join("\n")}`);
  }
}

export interface NodeProcessOptions {
  name: string;
  /** Arguments of node: flags, the script, its arguments. */
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** By default this project's. */
  cwd?: string;
  logFile: string;
  /** Called with each line of output. */
  onLine?: (line: string) => void;
  /** Whether the process says "ready" over its channel; else it is ready once it runs. */
  announcesReady: boolean;
}

const MAX_LOG_BYTES = 5 * 1024 * 1024;
const KEPT_LINES = 15;
const STOP = [
  { signal: "SIGTERM", waitMs: 6_000 },
  { signal: "SIGKILL", waitMs: 5_000 },
] as const;

function openLog(file: string) {
  mkdirSync(path.dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  return createWriteStream(file, { flags: "a", mode: 0o600 });
}

/**
 * Starts a Node process in a process group of its own: Ctrl-C in the terminal does not reach it,
 * and what it starts can be ended with it. It ends itself when this process dies.
 */
export async function startNodeProcess(options: NodeProcessOptions): Promise<ManagedProcess> {
  const { name } = options;
  const guard = path.join(projectRoot, "scripts/local/child-guard.mjs");
  const child = spawn(process.execPath, ["--import", guard, ...options.args], {
    cwd: options.cwd ?? projectRoot,
    env: options.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const log = openLog(options.logFile);
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (line) => {
      log.write(`${line}\n`);
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
      options.onLine?.(line);
    });
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("exit", (code, by) => resolve({ code, signal: by }));
  });
  child.once("close", () => log.end());
  const pid = child.pid;
  let running = true;
  void exited.then(() => {
    running = false;
    if (pid !== undefined) signalGroup(pid, "SIGKILL"); // whatever it left behind
  });
  const ready = new Promise<"ready">((resolve) => {
    if (options.announcesReady) {
      child.on("message", (message) => message === "ready" && resolve("ready"));
    } else {
      child.once("spawn", () => resolve("ready"));
    }
  });
  const outcome = await Promise.race([ready, exited]);
  if (outcome !== "ready" || pid === undefined) {
    throw new ProcessStartError(name, outcome as Exit, lastLines);
  }
  return {
    pid,
    exited,
    signal: (signalName) => {
      if (running) signalGroup(pid, signalName);
    },
    stop: async () => {
      if (running) await endProcess(name, pid, STOP);
      await exited;
    },
  };
}

/** To a process that leads a group, and to its group. */
export function signalGroup(pid: number, name: NodeJS.Signals): void {
  signal(-pid, name);
}

import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { MeridianError } from "@/lib/errors";

export class ProcessStuckError extends MeridianError {
  constructor(what: string, pid: number) {
    super("process-stuck", `${what} (pid ${pid}) does not end; end it by hand and try again.`, {
      data: { what, pid },
    });
  }
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Polls until `condition` holds; false when `timeoutMs` passed first. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 20,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(everyMs);
  }
  return true;
}

/** Whether the process exists and is more than an entry waiting to be reaped by its parent. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return statFields(pid)?.[0] !== "Z";
}

/** Fields of /proc/<pid>/stat after the command name (which may hold spaces), from the state on. */
function statFields(pid: number): string[] | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

export function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

function ps(pid: number, column: string): string | undefined {
  try {
    const output = execFileSync("ps", ["-o", `${column}=`, "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return output.trim() || undefined;
  } catch {
    return undefined;
  }
}

/**
 * When the process started, in an opaque form. A pid alone does not name a process: after a crash
 * the number may belong to a stranger, and a pid with its start time cannot.
 */
export function startTimeOf(pid: number): string | undefined {
  return process.platform === "linux" ? statFields(pid)?.[19] : ps(pid, "lstart");
}

export function commandLineOf(pid: number): string | undefined {
  if (process.platform !== "linux") return ps(pid, "command");
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return undefined;
  }
}

/** Processes whose working directory is `directory`. Empty where /proc is missing. */
export function processesIn(directory: string): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === directory;
      } catch {
        return false;
      }
    });
}

/** Sends a signal; a process that is already gone is not an error. Returns whether it was sent. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Sends each signal in turn, waiting after each for the end of the process. */
export async function endProcess(
  what: string,
  pid: number,
  steps: readonly { signal: NodeJS.Signals; waitMs: number }[],
): Promise<void> {
  for (const step of steps) {
    if (!signal(pid, step.signal)) return;
    if (await waitUntil(() => !isAlive(pid), step.waitMs)) return;
  }
  throw new ProcessStuckError(what, pid);
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Ports this process was given lately, so that none is given twice before it is used. */
const promised = new Set<number>();

/**
 * Where "any free port" is looked for: below what kernels give to whoever asks for port 0 or opens
 * a connection. What listens there may close its port for a while and finds it free again: in the
 * kernel's range somebody else has it by then, and its clients talk to a stranger.
 */
const OWN_PORTS = { first: 20_000, count: 12_000 };

/**
 * The first free port from `preferred` on, or any free one for 0. `taken` are ports that were
 * promised to others but are not open yet.
 */
export async function freePort(
  preferred: number,
  { host = "127.0.0.1", taken }: { host?: string; taken?: Set<number> } = {},
): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const candidate =
      preferred === 0 ? OWN_PORTS.first + randomInt(OWN_PORTS.count) : preferred + attempt;
    if (candidate > 65_535) break;
    if (taken?.has(candidate) || (preferred === 0 && promised.has(candidate))) continue;
    if (!(await isFree(candidate, host))) continue;
    promised.add(candidate);
    taken?.add(candidate);
    return candidate;
  }
  throw new MeridianError("no-free-port", `No free port from ${preferred} on at ${host}.`);
}

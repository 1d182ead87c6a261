import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, mkdir, open, readFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { errorMessage, MeridianError } from "@/lib/errors";
import {
  libraryPath,
  unpackDebianPackages,
  type UnpackOptions,
} from "@/scripts/local/debian-package";
import { endProcess, freePort, signal, waitUntil } from "@/scripts/local/process-tools";
import { planLaunch } from "@/scripts/local/unprivileged";

export class RedisStartError extends MeridianError {
  constructor(reason: string, cause?: unknown) {
    super("redis-start", `Redis does not start: ${reason}`, { cause });
  }
}

/** A way to run a Redis here. `origin` is for people. */
export type RedisProgram =
  | { kind: "program"; origin: string; file: string; env: Record<string, string> }
  | { kind: "docker"; origin: string };

export interface RunningRedis {
  /** redis://127.0.0.1:<port> */
  url: string;
  port: number;
  /** Of the server, or of the Docker client that holds it. */
  pid: number;
  origin: string;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface RedisOptions {
  program: RedisProgram;
  /** 0 takes any free one. */
  port: number;
  /** Working directory; nothing is persisted there. */
  dir: string;
  /** Default: `<dir>/redis.log`. */
  logFile?: string;
}

export const REDIS_IMAGE = "redis:8-alpine";
const START_TIMEOUT_MS = 10_000;
const DOCKER_START_TIMEOUT_MS = 120_000; // it may have to fetch the image
const STOP = [
  { signal: "SIGTERM", waitMs: 5_000 },
  { signal: "SIGKILL", waitMs: 5_000 },
] as const;

const run = promisify(execFile);

async function answers(command: string, args: readonly string[], env = {}): Promise<boolean> {
  return run(command, args, { timeout: 5_000, env: { ...process.env, ...env } }).then(
    () => true,
    () => false,
  );
}

async function onPath(): Promise<RedisProgram | undefined> {
  for (const name of ["redis-server", "valkey-server"]) {
    if (await answers(name, ["--version"])) {
      return { kind: "program", origin: `${name} on PATH`, file: name, env: {} };
    }
  }
  return undefined;
}

async function unpacked(options: UnpackOptions): Promise<RedisProgram | undefined> {
  if (process.platform !== "linux") return undefined;
  try {
    const root = await unpackDebianPackages("redis", ["redis-server"], options);
    const file = path.join(root, "usr/bin/redis-server");
    await access(file);
    const env = { LD_LIBRARY_PATH: await libraryPath(root) };
    if (await answers(file, ["--version"], env)) {
      return { kind: "program", origin: "Debian package", file, env };
    }
    options.onLog?.("the unpacked redis-server does not run here");
  } catch (error) {
    options.onLog?.(errorMessage(error));
  }
  return undefined;
}

async function docker(): Promise<RedisProgram | undefined> {
  if (!(await answers("docker", ["info", "--format", "{{.ID}}"]))) return undefined;
  return { kind: "docker", origin: `Docker image ${REDIS_IMAGE}` };
}

/**
 * Looks for a Redis in this order: on PATH, unpacked from a Debian package into the project's
 * cache, Docker. `null` when there is none: the planet then runs degraded, without Redis.
 */
export async function findRedisProgram(options: UnpackOptions = {}): Promise<RedisProgram | null> {
  return (await onPath()) ?? (await unpacked(options)) ?? (await docker()) ?? null;
}

function pings(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1_000 });
    const answer = (ok: boolean) => {
      socket.destroy();
      resolve(ok);
    };
    socket.on("connect", () => socket.write("PING\r\n"));
    socket.on("data", (chunk) => answer(chunk.toString().startsWith("+PONG")));
    socket.on("error", () => answer(false));
    socket.on("timeout", () => answer(false));
    socket.on("close", () => answer(false));
  });
}

/** The bus and the caches must be able to lose Redis, so it keeps nothing on disk. */
export const NO_PERSISTENCE = ["--save", "", "--appendonly", "no"];

function commandOf(program: RedisProgram, port: number, dir: string): string[] {
  switch (program.kind) {
    case "program":
      return [
        program.file,
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--daemonize", "no"],
        ...NO_PERSISTENCE,
      ];
    case "docker": {
      const name = `meridian-redis-${randomBytes(4).toString("hex")}`;
      const publish = `127.0.0.1:${port}:6379`;
      const server = ["redis-server", ...NO_PERSISTENCE];
      return ["docker", "run", "--rm", "--name", name, "-p", publish, REDIS_IMAGE, ...server];
    }
  }
}

/**
 * Starts Redis on 127.0.0.1 and resolves once it answers. It ends with this process.
 *
 * @throws RedisStartError with the end of its log
 */
export async function startRedis(options: RedisOptions): Promise<RunningRedis> {
  const { program } = options;
  const dir = path.resolve(options.dir);
  const port = options.port || (await freePort(0));
  await mkdir(dir, { recursive: true });
  const logFile = options.logFile ?? path.join(dir, "redis.log");
  await mkdir(path.dirname(logFile), { recursive: true });
  const log = await open(logFile, "a", 0o600);
  const logStart = (await log.stat()).size;
  const plan = planLaunch("TERM", "stay-root");
  const [command, ...args] = [...plan.prefix, ...commandOf(program, port, dir)];
  const child = spawn(command!, args, {
    cwd: dir,
    stdio: ["ignore", log.fd, log.fd],
    detached: true, // Ctrl-C reaches the launcher only
    env: { ...process.env, ...(program.kind === "program" ? program.env : {}) },
  });
  let running = true;
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("exit", (code, by) => resolve({ code, signal: by }));
  });
  void exited.then(() => (running = false));
  await log.close();
  const pid = child.pid;
  const timeoutMs = program.kind === "docker" ? DOCKER_START_TIMEOUT_MS : START_TIMEOUT_MS;
  const inTime = await waitUntil(async () => !running || (await pings(port)), timeoutMs);
  if (!inTime && pid !== undefined) await endProcess("Redis", pid, STOP);
  if (!inTime || !running || pid === undefined) {
    const text = (await readFile(logFile)).subarray(logStart).toString().trim();
    throw new RedisStartError(`\n${text.split("\n").slice(-8).join("\n")}`);
  }
  const onExit = () => running && signal(pid, "SIGTERM");
  process.once("exit", onExit);
  void exited.then(() => process.removeListener("exit", onExit));
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid,
    origin: program.origin,
    exited,
    signal: (name) => {
      if (running) signal(pid, name);
    },
    stop: async () => {
      if (running) await endProcess("Redis", pid, STOP);
      await exited;
    },
  };
}

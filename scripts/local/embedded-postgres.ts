import { spawn, type ChildProcess } from "node:child_process";
import { chown, mkdir, open, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { MeridianError } from "@/lib/errors";
import { ensureDatabase, PasswordRefusedError } from "@/scripts/local/postgres-database";
import { findPostgresPrograms, type PostgresPrograms } from "@/scripts/local/postgres-programs";
import {
  commandLineOf,
  endProcess,
  freePort,
  isAlive,
  processesIn,
  signal,
  waitUntil,
} from "@/scripts/local/process-tools";
import { planLaunch, type LaunchPlan } from "@/scripts/local/unprivileged";

export class PostgresStartError extends MeridianError {
  constructor(name: string, reason: string, cause?: unknown) {
    super("postgres-start", `Postgres of ${name} does not start: ${reason}`, {
      data: { name },
      cause,
    });
  }
}

export interface PostgresOptions {
  /** Used in messages and for the log file. */
  name: string;
  /** Created on the first start; owned by `nobody` when we are root. */
  dataDir: string;
  /** 0 takes any free one. */
  port: number;
  /** Of the owner `postgres`. Set again when the data directory has another one. */
  password: string;
  /** Created when missing. Default "meridian". */
  database?: string;
  /** Default: `<dataDir>.log`. */
  logFile?: string;
  /** Server settings on top of the default ones. */
  settings?: Readonly<Record<string, string>>;
  onLog?: (line: string) => void;
}

export interface RunningPostgres {
  name: string;
  /** Of the postmaster. */
  pid: number;
  port: number;
  dataDir: string;
  /** Connection string of the owner. */
  url: string;
  /** Settled when the postmaster has ended, whatever ended it. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** To the postmaster and all its backends: a machine that freezes or loses power. */
  signal(name: NodeJS.Signals): void;
  /** Fast shutdown: open transactions are rolled back, a checkpoint is written. */
  stop(): Promise<void>;
}

/**
 * A region's database must survive a crash with every acknowledged row, here too, so fsync and
 * synchronous_commit stay on.
 */
export const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  max_connections: "200",
  shared_buffers: "64MB",
  fsync: "on",
  synchronous_commit: "on",
  wal_level: "logical", // benchmarks compare with native logical replication
  max_wal_senders: "10",
  max_wal_size: "512MB",
  min_wal_size: "64MB",
  track_commit_timestamp: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] %q%a ",
  idle_in_transaction_session_timeout: "30s", // an open transaction holds every position back
};

const START_TIMEOUT_MS = 60_000; // replay after a crash may take a while
const FAST_SHUTDOWN_MS = 20_000;
const IMMEDIATE_SHUTDOWN_MS = 5_000;

const SHUTDOWN = [
  { signal: "SIGINT", waitMs: FAST_SHUTDOWN_MS },
  { signal: "SIGQUIT", waitMs: IMMEDIATE_SHUTDOWN_MS },
  { signal: "SIGKILL", waitMs: IMMEDIATE_SHUTDOWN_MS },
] as const;

const ignoreMissing = (error: NodeJS.ErrnoException) => {
  if (error.code === "ENOENT") return undefined;
  throw error;
};

function spawnPostgres(
  plan: LaunchPlan,
  command: readonly string[],
  options: { stdio: Parameters<typeof spawn>[2]["stdio"]; cwd: string },
): ChildProcess {
  const [program, ...args] = [...plan.prefix, ...command];
  return spawn(program!, args, {
    ...options,
    ...(plan.prefixSetsIdentity ? {} : plan.identity),
    // A group of its own: Ctrl-C in the terminal reaches the launcher only, which stops us in order.
    detached: true,
    env: {
      PATH: process.env.PATH,
      LC_ALL: "C",
      TZ: "UTC",
    } as Partial<NodeJS.ProcessEnv> as NodeJS.ProcessEnv,
  });
}

async function runToEnd(child: ChildProcess, input?: string): Promise<void> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stdin?.on("error", () => undefined); // it ended early: its exit code says why
  child.stdin?.end(input);
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(output.trim()))));
  });
}

interface PostmasterFile {
  pid: number;
  status: string;
}

async function readPostmasterFile(dataDir: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(path.join(dataDir, "postmaster.pid"), "utf8").catch(ignoreMissing);
  const lines = text?.split("\n");
  const pid = Number(lines?.[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, status: lines?.[7]?.trim() ?? "" } : undefined;
}

/**
 * Ends a server that outlived its launcher. Its pid is believed only when that process really
 * works in this data directory: after a crash the number may belong to a stranger.
 */
export async function endLeftoverPostgres(
  options: Pick<PostgresOptions, "name" | "dataDir" | "onLog">,
): Promise<void> {
  const { dataDir, name, onLog } = options;
  const file = await readPostmasterFile(dataDir);
  if (!file) return;
  const isOurs = (pid: number) =>
    process.platform === "linux"
      ? processesIn(dataDir).includes(pid)
      : (commandLineOf(pid)?.includes(dataDir) ?? false);
  if (isAlive(file.pid) && isOurs(file.pid)) {
    onLog?.(`stopping a server of an earlier run (pid ${file.pid})`);
    await endProcess(`The leftover Postgres of ${name}`, file.pid, SHUTDOWN);
  }
  // Backends of a killed postmaster end themselves, and the shared memory is theirs until then.
  await waitUntil(() => processesIn(dataDir).length === 0, IMMEDIATE_SHUTDOWN_MS);
  await rm(path.join(dataDir, "postmaster.pid"), { force: true });
}

/** Made beside its place and renamed, so that a half-made data directory never counts as one. */
async function createDataDir(
  options: PostgresOptions,
  programs: PostgresPrograms,
  plan: LaunchPlan,
): Promise<void> {
  const { dataDir, name, password, onLog } = options;
  const parent = path.dirname(dataDir);
  const prefix = `${path.basename(dataDir)}.init-`;
  for (const entry of await readdir(parent)) {
    const owner = entry.startsWith(prefix) ? Number(entry.slice(prefix.length)) : NaN;
    if (Number.isNaN(owner) || isAlive(owner)) continue;
    await rm(path.join(parent, entry), { recursive: true, force: true });
  }
  onLog?.("creating the data directory");
  const work = path.join(parent, `${prefix}${process.pid}`);
  const passwordFile = path.join(work, "password");
  const fresh = path.join(work, "data");
  await mkdir(work, { mode: 0o700 });
  try {
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    if (plan.identity) {
      await chown(passwordFile, plan.identity.uid, plan.identity.gid);
      await chown(work, plan.identity.uid, plan.identity.gid);
    }
    const flags = [
      `--pgdata=${fresh}`,
      `--pwfile=${passwordFile}`,
      "--username=postgres",
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // The same order and case rules in every region, whatever the machine's libc has.
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
    ];
    const child = spawnPostgres(plan, [programs.initdb, ...flags], { stdio: "pipe", cwd: work });
    await runToEnd(child);
    await rename(fresh, dataDir);
  } catch (cause) {
    throw new PostgresStartError(name, `initdb failed: ${(cause as Error).message}`, cause);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function tail(file: string, from: number): Promise<string> {
  const text = await readFile(file).catch(() => Buffer.alloc(0));
  return text.subarray(from).toString().trim().split("\n").slice(-8).join("\n");
}

async function launch(
  options: PostgresOptions,
  programs: PostgresPrograms,
  plan: LaunchPlan,
  port: number,
): Promise<RunningPostgres> {
  const { name, dataDir } = options;
  const logFile = options.logFile ?? `${dataDir}.log`;
  await mkdir(path.dirname(logFile), { recursive: true });
  // A file, not a pipe: the server must be able to log when the launcher is stopped or gone.
  const log = await open(logFile, "a", 0o600);
  const logStart = (await log.stat()).size;
  const settings = {
    ...POSTGRES_SETTINGS,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "", // it would sit outside the project
    ...options.settings,
    port: String(port),
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const child = spawnPostgres(plan, [programs.postgres, "-D", dataDir, ...flags], {
    stdio: ["ignore", log.fd, log.fd],
    cwd: dataDir,
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("exit", (code, by) => resolve({ code, signal: by }));
  });
  let running = true;
  void exited.then(() => (running = false));
  await log.close();
  const pid = child.pid;
  const isReady = async () => {
    if (!running || pid === undefined) return true;
    const file = await readPostmasterFile(dataDir);
    return file?.pid === pid && file.status === "ready";
  };
  const inTime = await waitUntil(isReady, START_TIMEOUT_MS);
  if (!inTime && pid !== undefined) await endProcess(`Postgres of ${name}`, pid, SHUTDOWN);
  if (!inTime || !running || pid === undefined) {
    throw new PostgresStartError(name, `\n${await tail(logFile, logStart)}`);
  }
  // Where setpriv is missing, at least an ordinary exit of the launcher takes the server along.
  const onExit = () => running && signal(pid, "SIGINT");
  process.once("exit", onExit);
  void exited.then(() => process.removeListener("exit", onExit));
  const password = encodeURIComponent(options.password);
  return {
    name,
    pid,
    port,
    dataDir,
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/${options.database ?? "meridian"}`,
    exited,
    signal: (name) => {
      // Backends have process groups of their own, so there is no group to signal.
      const all = new Set([pid, ...processesIn(dataDir)]);
      if (running) all.forEach((each) => signal(each, name));
    },
    stop: async () => {
      if (running) await endProcess(`Postgres of ${name}`, pid, SHUTDOWN);
      await exited;
    },
  };
}

/** Sets the owner's password without knowing the old one: .local/secrets.json was lost. */
async function resetPassword(
  options: PostgresOptions,
  programs: PostgresPrograms,
  plan: LaunchPlan,
): Promise<void> {
  const literal = `'${options.password.replaceAll("'", "''")}'`;
  const child = spawnPostgres(
    plan,
    [programs.postgres, "--single", "-D", options.dataDir, "postgres"],
    {
      stdio: "pipe",
      cwd: options.dataDir,
    },
  );
  await runToEnd(child, `ALTER ROLE postgres PASSWORD ${literal};\n`);
}

/**
 * Starts a Postgres cluster on 127.0.0.1, creating its data directory and database first when they
 * are missing. A second start on the same directory keeps the data; a server that an earlier
 * launcher left running there is shut down first. It ends with this process.
 *
 * @throws PostgresStartError with the end of the server's log
 * @throws PostgresProgramsError, UnprivilegedUserError when the machine cannot run one
 */
export async function startPostgres(given: PostgresOptions): Promise<RunningPostgres> {
  const options = { ...given, dataDir: path.resolve(given.dataDir) };
  const { name, dataDir } = options;
  const programs = await findPostgresPrograms();
  await mkdir(path.dirname(dataDir), { recursive: true });
  const plan = planLaunch("INT", { mustReach: [path.dirname(dataDir), programs.postgres] });
  await endLeftoverPostgres(options);
  const version = await readFile(path.join(dataDir, "PG_VERSION"), "utf8").catch(ignoreMissing);
  if (version === undefined) await createDataDir(options, programs, plan);
  else if (version.trim() !== programs.major) {
    throw new PostgresStartError(
      name,
      `${dataDir} was made by Postgres ${version.trim()}, this is ${programs.major}. ` +
        "Delete the folder to start anew, or install the older version.",
    );
  }
  const start = async () => launch(options, programs, plan, options.port || (await freePort(0)));
  let server = await start();
  try {
    await ensureDatabase(server.url);
  } catch (error) {
    await server.stop();
    if (!(error instanceof PasswordRefusedError)) throw error;
    options.onLog?.("the owner's password has changed: setting the new one");
    await resetPassword(options, programs, plan);
    server = await start();
    await ensureDatabase(server.url);
  }
  return server;
}

import { mkdir, writeFile, chown, rm } from "node:fs/promises";
import { spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";
import path from "node:path";
import type { Topology } from "@/lib/db/regions/topology";
import { libraryPath, unpackDebianPackages } from "@/scripts/local/debian-package";
import { localDir } from "@/scripts/local/paths";
import { endProcess, freePort, waitUntil } from "@/scripts/local/process-tools";
import { planLaunch } from "@/scripts/local/unprivileged";
import { WsProxy } from "@/scripts/local/ws-proxy";
import { withAdmin } from "./stores";

/** How the application reaches its databases in tests of the `pg` projects: `MERIDIAN_TEST_PATH`, by default `pg`. */
export const DATABASE_PATHS = [
  /** PostgreSQL's protocol, straight. */
  "pg",
  /** Through PgBouncer, in transaction mode. Workers and owners go straight, as they have to. */
  "pgbouncer",
  /** Neon's adapter, through a proxy for WebSockets. */
  "neon",
] as const;
export type DatabasePath = (typeof DATABASE_PATHS)[number];

export function databasePath(): DatabasePath {
  const asked = process.env.MERIDIAN_TEST_PATH ?? "pg";
  const known = DATABASE_PATHS.find((name) => name === asked);
  if (!known) throw new Error(`MERIDIAN_TEST_PATH is one of ${DATABASE_PATHS.join(", ")}.`);
  return known;
}

let proxy: Promise<WsProxy> | undefined;

/** One for all of a process, since the driver's setting is of the process. */
async function wsProxy(): Promise<WsProxy> {
  proxy ??= (async () => {
    const started = new WsProxy({
      port: 0,
      allows: (address) => address.startsWith("127.0.0.1:"),
    });
    await started.start();
    started.unref();
    return started;
  })();
  return proxy;
}

export interface OpenDatabasePath {
  /** For the topology. */
  driver: Pick<Topology, "driver" | "neonProxy">;
  /** The URL by which the application reaches a database. */
  through(url: string): string;
  close(): Promise<void>;
}

/**
 * Neon's driver answers a database's challenge for a password in JavaScript: a tenth of a second of the event loop for each
 * connection. Neon's own proxy asks for no such answer, so a test's database asks for one that is quickly given. To be
 * called before any role is given a password.
 */
export async function easePasswords(adminUrl: string): Promise<void> {
  if (databasePath() !== "neon") return;
  await withAdmin(adminUrl, (admin) =>
    admin.query("ALTER ROLE CURRENT_USER SET scram_iterations = 64"),
  );
}

/** @param urls of the databases, as the application's role: user, password, host, port and name */
export async function openDatabasePath(urls: readonly string[]): Promise<OpenDatabasePath> {
  const straight: OpenDatabasePath = {
    driver: { driver: "pg", neonProxy: null },
    through: (url) => url,
    close: async () => undefined,
  };
  const name = databasePath();
  switch (name) {
    case "pg":
      return straight;
    case "neon": {
      const { port } = await wsProxy();
      return { ...straight, driver: { driver: "neon", neonProxy: `127.0.0.1:${port}` } };
    }
    case "pgbouncer":
      return { ...straight, ...(await startPgBouncer(urls)) };
    default:
      return name satisfies never;
  }
}

const START_MS = 10_000;
const STOP = [
  { signal: "SIGTERM", waitMs: 5_000 },
  { signal: "SIGKILL", waitMs: 5_000 },
] as const;

async function startPgBouncer(
  urls: readonly string[],
): Promise<Pick<OpenDatabasePath, "through" | "close">> {
  const root = await unpackDebianPackages("pgbouncer", ["pgbouncer"]);
  const file = path.join(root, "usr/sbin/pgbouncer");
  const port = await freePort(0);
  const dir = path.join(localDir, `test-${process.pid}-pgbouncer-${port}`);
  await mkdir(dir, { recursive: true });
  const databases = new Map(urls.map((url, index) => [url, `db${index}`]));
  const lines = [...databases].map(([url, name]) => {
    const { hostname, port: to, pathname } = new URL(url);
    return `${name} = host=${hostname} port=${to} dbname=${pathname.slice(1)}`;
  });
  const users = new Map(
    urls.map((url) => [new URL(url).username, decodeURIComponent(new URL(url).password)]),
  );
  const userFile = path.join(dir, "users.txt");
  await writeFile(userFile, [...users].map(([name, secret]) => `"${name}" "${secret}"`).join("\n"));
  const configuration = path.join(dir, "pgbouncer.ini");
  await writeFile(
    configuration,
    `[databases]
${lines.join("\n")}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${userFile}
pool_mode = transaction
max_client_conn = 500
default_pool_size = 8
server_login_retry = 0
`,
  );
  const plan = planLaunch("TERM", { mustReach: [dir, root] });
  const { identity } = plan;
  if (identity) {
    for (const name of [dir, userFile, configuration]) {
      await chown(name, identity.uid, identity.gid);
    }
  }
  const [command, ...args] = [...plan.prefix, file, "--quiet", configuration];
  const child = spawn(command!, args, {
    cwd: dir,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, LD_LIBRARY_PATH: await libraryPath(root) },
    ...(plan.prefixSetsIdentity ? {} : identity),
  });
  const said: string[] = [];
  child.stderr.on("data", (data: Buffer) => said.push(data.toString()));
  await untilItListens(child, port, said);
  return {
    through: (url) => {
      const name = databases.get(url);
      if (name === undefined) throw new Error("PgBouncer was not told of this database.");
      const changed = new URL(url);
      changed.host = `127.0.0.1:${port}`;
      changed.pathname = `/${name}`;
      changed.searchParams.set("pgbouncer", "true");
      return changed.href;
    },
    close: async () => {
      if (child.pid !== undefined && child.exitCode === null) {
        await endProcess("PgBouncer", child.pid, STOP);
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function untilItListens(child: ChildProcess, port: number, said: string[]): Promise<void> {
  let ended = false;
  child.once("error", () => (ended = true));
  child.once("exit", () => (ended = true));
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
  const listens = await waitUntil(async () => ended || (await answers()), START_MS);
  if (!listens || ended) throw new Error(`PgBouncer does not start:\n${said.join("")}`);
}

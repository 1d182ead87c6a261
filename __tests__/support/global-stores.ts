import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { TEMPLATE, withAdmin, withDatabase, type TestStores } from "@/__tests__/support/stores";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { startPostgres, type RunningPostgres } from "@/scripts/local/embedded-postgres";
import { localDir } from "@/scripts/local/paths";
import { isAlive } from "@/scripts/local/process-tools";
import { findRedisProgram, startRedis, type RunningRedis } from "@/scripts/local/redis-server";
import { migrateRegions } from "@/scripts/migrate-runner";

type Stop = () => Promise<void>;

/** Folders of runs that were killed before they could clean up. */
async function removeLeftovers(): Promise<void> {
  await mkdir(localDir, { recursive: true });
  for (const name of await readdir(localDir)) {
    const pid = /^test-(\d+)(?:-\w+)?$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(path.join(localDir, name), { recursive: true, force: true });
  }
}

async function createTemplates(
  servers: readonly RunningPostgres[],
  appPassword: string,
): Promise<void> {
  await Promise.all(
    servers.map((server) =>
      withAdmin(server.url, (admin) => admin.query(`CREATE DATABASE ${TEMPLATE}`)),
    ),
  );
  const reports = await migrateRegions(
    servers.map((server, index) => ({
      id: server.name,
      directUrl: withDatabase(server.url, TEMPLATE),
      isPrimary: index === 0,
    })),
    // The regions are named in each copy: a file may want fewer than all of them.
    { appPassword, initialise: false },
  );
  const failed = reports.find((report) => !report.ok);
  if (failed) throw new Error(`The template of ${failed.regionId}: ${failed.error?.message}`);
}

async function startTestRedis(dir: string): Promise<RunningRedis> {
  const program = await findRedisProgram();
  if (!program) {
    throw new Error(
      "The tests need Redis: put redis-server on the PATH, or make apt-get or Docker available.",
    );
  }
  return startRedis({ program, port: 0, dir });
}

async function startStores(dir: string, stops: Stop[]): Promise<TestStores> {
  const password = randomBytes(12).toString("hex");
  const appPassword = randomBytes(12).toString("hex");
  const redis = await startTestRedis(path.join(dir, "redis"));
  stops.push(() => redis.stop());
  const started = await Promise.allSettled(
    DEFAULT_REGIONS.map(async (region) => {
      const server = await startPostgres({
        name: region.id,
        dataDir: path.join(dir, region.id),
        port: 0,
        password,
        database: "postgres",
      });
      stops.push(() => server.stop());
      return server;
    }),
  );
  const servers = started.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
  await createTemplates(servers, appPassword);
  return {
    clusters: servers.map((server) => ({ regionId: server.name, adminUrl: server.url })),
    redisUrl: redis.url,
    appPassword,
  };
}

/** As many as files run at the same time: `maxWorkers` of the configuration. */
const PARALLEL_SETS = 2;

interface Running {
  sets: TestStores[];
  stop: Stop;
  /** Projects that use them. */
  users: number;
}

/** Of this process: projects run one after the other, so all have the same. Each loads this module anew. */
const holder = globalThis as { meridianTestStores?: Promise<Running> };

async function start(): Promise<Running> {
  await removeLeftovers();
  const dir = path.join(localDir, `test-${process.pid}`);
  await mkdir(dir, { recursive: true });
  const stops: Stop[] = [];
  const stop = async () => {
    await Promise.all(stops.map((stop) => stop()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const sets = await Promise.all(
      Array.from({ length: PARALLEL_SETS }, (_, set) =>
        startStores(path.join(dir, `set-${set}`), stops),
      ),
    );
    return { sets, stop, users: 0 };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts three Postgres clusters and a Redis for each file that runs at a time; returns what stops and deletes them. */
export default async function setup(project: TestProject): Promise<Stop> {
  const running = await (holder.meridianTestStores ??= start());
  running.users += 1;
  project.provide("stores", running.sets);
  return async () => {
    running.users -= 1;
    if (running.users > 0) return;
    holder.meridianTestStores = undefined;
    await running.stop();
  };
}

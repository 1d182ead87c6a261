import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { easePasswords } from "@/__tests__/support/database-path";
import { chooseStoreServers, type StoreServers } from "@/__tests__/support/store-servers";
import {
  TEMPLATE,
  testPeerPasswords,
  withAdmin,
  withDatabase,
  type TestCluster,
  type TestStores,
} from "@/__tests__/support/stores";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { localDir } from "@/scripts/local/paths";
import { isAlive } from "@/scripts/local/process-tools";
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
  clusters: readonly TestCluster[],
  appPassword: string,
  peerPassword: string,
): Promise<void> {
  await Promise.all(
    clusters.map(({ adminUrl }) =>
      withAdmin(adminUrl, (admin) => admin.query(`CREATE DATABASE ${TEMPLATE}`)),
    ),
  );
  const reports = await migrateRegions(
    clusters.map(({ regionId, adminUrl }, index) => ({
      id: regionId,
      directUrl: withDatabase(adminUrl, TEMPLATE),
      isPrimary: index === 0,
      peerPasswords: testPeerPasswords(peerPassword),
    })),
    // The regions are named in each copy: a file may want fewer than all of them.
    { appPassword, initialise: false },
  );
  const failed = reports.find((report) => !report.ok);
  if (failed) throw new Error(`The template of ${failed.regionId}: ${failed.error?.message}`);
}

async function startStores(servers: StoreServers, dir: string, stops: Stop[]): Promise<TestStores> {
  const password = randomBytes(12).toString("hex");
  const appPassword = randomBytes(12).toString("hex");
  const peerPassword = randomBytes(12).toString("hex");
  const redis = await servers.redis(path.join(dir, "redis"));
  stops.push(() => redis.stop());
  const started = await Promise.allSettled(
    DEFAULT_REGIONS.map(async ({ id }) => {
      const server = await servers.database({ name: id, dir, password });
      stops.push(() => server.stop());
      await easePasswords(server.url);
      return { regionId: id, adminUrl: server.url };
    }),
  );
  const clusters = started.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
  await createTemplates(clusters, appPassword, peerPassword);
  return { clusters, redisUrl: redis.url, appPassword, peerPassword };
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
    const servers = await chooseStoreServers();
    const sets = await Promise.all(
      Array.from({ length: PARALLEL_SETS }, (_, set) =>
        startStores(servers, path.join(dir, `set-${set}`), stops),
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

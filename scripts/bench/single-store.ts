import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { Runtime } from "@/lib/db/regions/runtime";
import type { RegionId } from "@/lib/db/regions/region-id";
import { STANDARD_DEFAULTS, STANDARD_QUORUM_HEDGE_MS } from "@/lib/policy-defaults";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { startPostgres, type RunningPostgres } from "@/scripts/local/embedded-postgres";
import { localDir } from "@/scripts/local/paths";
import { ensureDatabase } from "@/scripts/local/postgres-database";
import { migrateRegions } from "@/scripts/migrate-runner";

export interface BenchDatabase {
  /** Of the owner. */
  url: string;
  /** As the application reaches it: without Redis, as the role meridian_app. */
  runtime: Runtime;
}

/** One server with databases that are the only region of their own planet. */
export interface SingleStore {
  regionId: RegionId;
  create(name: string): Promise<BenchDatabase>;
}

const [REGION] = DEFAULT_REGIONS;

/** Without workers. Whatever ends it, data and server are gone afterwards, save for a `kill -9`. */
export async function withSingleStore<T>(run: (store: SingleStore) => Promise<T>): Promise<T> {
  if (!REGION) throw new Error("There is no default region");
  await mkdir(localDir, { recursive: true });
  const dir = await mkdtemp(path.join(localDir, "bench-"));
  const runtimes: Runtime[] = [];
  let server: RunningPostgres | undefined;
  let stopping: Promise<void> | undefined;
  const stop = () =>
    (stopping ??= (async () => {
      // One that cannot be closed must not keep the server.
      await Promise.allSettled(runtimes.map((runtime) => runtime.close()));
      await server?.stop();
      await rm(dir, { recursive: true, force: true });
    })());
  const interrupted = () => void stop().finally(() => process.exit(130));
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    server = await startPostgres({
      name: REGION.id,
      dataDir: path.join(dir, "postgres"),
      port: 0,
      password: randomBytes(12).toString("hex"),
      database: "postgres",
      // Filled at once, which no checkpoint has to interrupt.
      settings: { max_wal_size: "4GB" },
    });
    const { url } = server;
    return await run({
      regionId: REGION.id as RegionId,
      create: async (name) => {
        const database = await createRegion(url, name);
        runtimes.push(database.runtime);
        return database;
      },
    });
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    await stop();
  }
}

async function createRegion(serverUrl: string, name: string): Promise<BenchDatabase> {
  const target = new URL(serverUrl);
  target.pathname = `/${name}`;
  const appPassword = "bench";
  const [region] = DEFAULT_REGIONS.map((entry) => ({ ...entry, id: entry.id as RegionId }));
  if (!region) throw new Error("There is no default region");
  await ensureDatabase(target.href);
  const [report] = await migrateRegions(
    [{ id: region.id, directUrl: target.href, isPrimary: true }],
    { appPassword },
  );
  if (!report?.ok) throw new Error(`Not migrated: ${report?.error?.message}`);
  const app = new URL(target);
  app.username = "meridian_app";
  app.password = appPassword;
  const endpoints = {
    read: app.href,
    write: app.href,
    direct: target.href,
    peer: target.href,
    redis: null,
  };
  const runtime = new Runtime(() => ({
    regions: [region],
    currentRegion: region.id,
    sessionSecret: "",
    replicationSecret: "",
    failover: null,
    defaults: STANDARD_DEFAULTS,
    quorumHedgeMs: STANDARD_QUORUM_HEDGE_MS,
    residencies: {},
    addressSecret: null,
    endpoints: () => endpoints,
  }));
  return { url: target.href, runtime };
}

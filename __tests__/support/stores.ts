import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { Client, Pool } from "pg";
import { inject } from "vitest";
import { waitFor } from "@/__tests__/support/wait-for";
import type { PolicyDefaults } from "@/lib/policy-defaults";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { declareEntities } from "@/scripts/declare-entities";
import { testDefaults } from "./test-defaults";

/** What the global set-up of the `pg` project started, one cluster for each default region. */
export interface TestCluster {
  regionId: string;
  /** Of the owner, naming the cluster's `postgres` database. */
  adminUrl: string;
}

export interface TestStores {
  clusters: TestCluster[];
  redisUrl: string;
  appPassword: string;
  /** Of the roles of other regions' workers, whichever region's. */
  peerPassword: string;
}

declare module "vitest" {
  interface ProvidedContext {
    /** A set for each file that runs at the same time: a long transaction in one holds up all of a server. */
    stores: TestStores[];
  }
}

/** Those of the process that a test runs in. */
export function testStores(): TestStores {
  const sets = inject("stores");
  const stores = sets[(Number(process.env.VITEST_POOL_ID ?? 1) - 1) % sets.length];
  if (!stores) throw new Error("No stores were started");
  return stores;
}

/** The same for the workers of each of the default regions. */
export function testPeerPasswords(password: string): Record<string, string> {
  return Object.fromEntries(DEFAULT_REGIONS.map(({ id }) => [id, password]));
}

/** Migrated once per cluster; copying it is a tenth of the time of migrating. */
export const TEMPLATE = "meridian_template";

export interface TestRegion {
  id: string;
  /** The same as directUrl: nothing is between a test and its database. */
  url: string;
  /** As the owner. */
  directUrl: string;
  /** As the role meridian_app. */
  appUrl: string;
  /** As the owner. Ended by `drop`. */
  pool: Pool;
}

export interface TestRegions {
  regions: TestRegion[];
  redisUrl: string;
  /** Fails when a connection to one of the databases was left open. */
  drop(): Promise<void>;
}

const LEAK_GRACE_MS = 3_000;

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

function withUser(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = encodeURIComponent(password);
  return changed.href;
}

export async function withAdmin<T>(url: string, run: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: url, application_name: "test-admin" });
  await admin.connect();
  try {
    return await run(admin);
  } finally {
    await admin.end();
  }
}

async function openConnections(admin: Client, database: string): Promise<string[]> {
  const { rows } = await admin.query<{ what: string }>(
    `SELECT format('%s (%s): %s', coalesce(nullif(application_name, ''), 'unnamed'), state,
                   left(query, 80)) AS what
     FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
    [database],
  );
  return rows.map((row) => row.what);
}

/** Drops a database. Returns the connections that were still open to it after a grace period. */
export async function dropDatabase(adminUrl: string, database: string): Promise<string[]> {
  return withAdmin(adminUrl, async (admin) => {
    let open: string[] = [];
    const deadline = performance.now() + LEAK_GRACE_MS;
    do {
      open = await openConnections(admin, database);
      if (open.length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    } while (open.length > 0 && performance.now() < deadline);
    await admin.query(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`);
    return open;
  });
}

/** An empty database, not migrated, in one of the clusters. */
export async function createEmptyDatabase(cluster: TestCluster): Promise<string> {
  const database = `test_${randomBytes(6).toString("hex")}`;
  await withAdmin(cluster.adminUrl, (admin) => admin.query(`CREATE DATABASE "${database}"`));
  return withDatabase(cluster.adminUrl, database);
}

async function createRegion(
  cluster: TestCluster,
  database: string,
  ids: readonly string[],
  appPassword: string,
  { realLeases, defaults }: { realLeases: boolean; defaults: PolicyDefaults },
): Promise<TestRegion> {
  await withAdmin(cluster.adminUrl, (admin) =>
    admin.query(`CREATE DATABASE "${database}" TEMPLATE ${TEMPLATE}`),
  );
  const directUrl = withDatabase(cluster.adminUrl, database);
  const pool = new Pool({ connectionString: directUrl, application_name: "test", max: 10 });
  pool.on("error", () => undefined);
  await pool.query("SELECT mr.init_region($1, $2, $3::text[])::text", [
    cluster.regionId,
    ids[0],
    ids,
  ]);
  if (cluster.regionId === ids[0] && !realLeases) {
    await pool.query(`UPDATE mr.lease SET epoch = 1, valid_until = 'infinity',
      server_start = pg_postmaster_start_time()`);
  }
  await declare(pool, defaults);
  const appUrl = withUser(directUrl, "meridian_app", appPassword);
  return { id: cluster.regionId, url: directUrl, directUrl, appUrl, pool };
}

/** The template has the standard defaults: for those there is nothing to do. */
async function declare(pool: Pool, defaults: PolicyDefaults): Promise<void> {
  const client = await pool.connect();
  try {
    await declareEntities(client, defaults);
  } finally {
    client.release();
  }
}

/**
 * Fresh databases for one test file: `count` regions, the first of them the leader. Clusters of the
 * test's own, which have to hold the template, take the place of the shared ones of their regions.
 */
export async function createRegions({
  count = 3,
  clusters: own = [],
  realLeases = false,
  defaults: other = {},
}: {
  count?: 1 | 2 | 3;
  clusters?: readonly TestCluster[];
  /** Nobody leads until a controller does; otherwise the first region has a lease that never ends. */
  realLeases?: boolean;
  defaults?: Partial<PolicyDefaults>;
} = {}): Promise<TestRegions> {
  const defaults = { ...testDefaults(), ...other };
  const stores = testStores();
  const clusters = stores.clusters
    .slice(0, count)
    .map((shared) => own.find(({ regionId }) => regionId === shared.regionId) ?? shared);
  const ids = clusters.map((cluster) => cluster.regionId);
  const database = `test_${randomBytes(6).toString("hex")}`;
  const regions = await Promise.all(
    clusters.map((cluster) =>
      createRegion(cluster, database, ids, stores.appPassword, { realLeases, defaults }),
    ),
  );
  const redis = new Redis(stores.redisUrl);
  await redis.flushall();
  await redis.quit();
  const drop = async () => {
    await Promise.all(regions.map((region) => region.pool.end()));
    const left = await Promise.all(
      clusters.map((cluster) => dropDatabase(cluster.adminUrl, database)),
    );
    if (left.flat().length > 0) {
      throw new Error(`Connections were left open:\n${left.flat().join("\n")}`);
    }
  };
  return { regions, redisUrl: stores.redisUrl, drop };
}

export { waitFor };

import { readFileSync, readdirSync } from "node:fs";
import pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Endpoints, Topology } from "@/lib/db/regions/topology";
import { linksOf, openPlanet } from "@/scripts/drill/planet-runtime";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { APP_ROLE, databaseUrl } from "@/scripts/local/planet-env";

/** The source's. */
export const HERE = "us-east-1" as RegionId;

export interface BenchStore {
  id: string;
  pool: pg.Pool;
  /** Of the postmaster. */
  pid: number;
}

export interface BenchPlanet {
  planet: ChildPlanet;
  source: BenchStore;
  targets: BenchStore[];
}

/**
 * Three databases, Redis and workers, and beside the replicated table "Document" its twin `native_document`, which
 * PostgreSQL's own logical replication carries to both targets, over the same links.
 *
 * @param options.latency whether links have the delays of the real distances
 */
export async function withBenchPlanet<T>(
  run: (bench: BenchPlanet) => Promise<T>,
  { latency = false }: { latency?: boolean } = {},
): Promise<T> {
  const planet = new ChildPlanet(["--headless", ...(latency ? [] : ["--no-latency"])]);
  const stores: BenchStore[] = [];
  try {
    await planet.start();
    const { regions } = planet.cluster();
    for (const { id, directUrl, pid } of regions) {
      stores.push({
        id,
        pid: pid ?? 0,
        pool: new pg.Pool({ connectionString: directUrl, max: 12 }),
      });
    }
    for (const { pool } of stores) {
      await pool.query(`CREATE TABLE native_document (LIKE "Document" INCLUDING ALL)`);
    }
    const [source, ...targets] = stores;
    if (!source) throw new Error("The planet has no region");
    await source.pool.query("CREATE PUBLICATION bench FOR TABLE native_document");
    const link = linksOf(planet);
    for (const [index, { id, pool }] of targets.entries()) {
      const connection = pg.escapeLiteral(link(id, source.id).direct);
      await pool.query(
        `CREATE SUBSCRIPTION bench_${index} CONNECTION ${connection} PUBLICATION bench`,
      );
    }
    return await run({ planet, source, targets });
  } finally {
    for (const [index, { pool }] of stores.slice(1).entries()) {
      await pool.query(`DROP SUBSCRIPTION IF EXISTS bench_${index}`).catch(() => undefined);
    }
    await Promise.all(stores.map(({ pool }) => pool.end()));
    await planet.stop();
  }
}

/**
 * PostgreSQL's own replication stands still meanwhile, and then goes on until it has passed what was written: its senders
 * read all of the log, also what isn't theirs to send, and would do that beside what is measured.
 */
export async function withoutNative<T>(bench: BenchPlanet, run: () => Promise<T>): Promise<T> {
  await switchNative(bench, "DISABLE");
  try {
    return await run();
  } finally {
    await switchNative(bench, "ENABLE");
    await untilNativePassed(bench);
  }
}

export async function switchNative(
  { targets }: BenchPlanet,
  action: "DISABLE" | "ENABLE",
): Promise<void> {
  await Promise.all(
    targets.map(({ pool }, index) => pool.query(`ALTER SUBSCRIPTION bench_${index} ${action}`)),
  );
}

async function untilNativePassed({ source }: BenchPlanet): Promise<void> {
  const { rows } = await source.pool.query<{ lsn: string }>("SELECT pg_current_wal_lsn() AS lsn");
  const deadlineMs = performance.now() + 120_000;
  for (;;) {
    const behind = await source.pool.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_replication_slots WHERE confirmed_flush_lsn < $1::pg_lsn",
      [rows[0]?.lsn],
    );
    if (behind.rows[0]?.n === 0) return;
    if (performance.now() > deadlineMs) throw new Error("Native replication does not catch up");
    await systemSleep(50);
  }
}

/** A planet, and the topology of an application that runs on it. */
export async function withPlanetTopology<T>(
  flags: readonly string[],
  run: (planet: ChildPlanet, topology: Topology) => Promise<T>,
): Promise<T> {
  const planet = new ChildPlanet(flags);
  try {
    await planet.start();
    const { regions, topology } = openPlanet(planet);
    await Promise.all(regions.map(({ pool }) => pool.end()));
    return await run(planet, topology);
  } finally {
    await planet.stop();
  }
}

/** How an application in the source's region reaches the stores there when no proxy is in between. */
export function ownEndpoints(planet: ChildPlanet): Endpoints {
  const { redis, regions } = planet.cluster();
  const direct = regions.find(({ id }) => id === HERE)!.directUrl;
  const { appPassword } = planet.secrets();
  const app = databaseUrl(APP_ROLE, appPassword, Number(new URL(direct).port));
  return { read: app, write: app, direct, peer: direct, redis };
}

/** CPU seconds that a server has used so far: the postmaster, its children, and those that ended. */
export function serverCpuSeconds(postmaster: number): number {
  const ticksPerSecond = 100;
  let ticks = 0;
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      const [parent, user, system, childUser, childSystem] = [1, 11, 12, 13, 14].map(
        (at) => fields[at] ?? 0,
      );
      const isPostmaster = Number(name) === postmaster;
      if (!isPostmaster && parent !== postmaster) continue;
      ticks += (user ?? 0) + (system ?? 0);
      if (isPostmaster) ticks += (childUser ?? 0) + (childSystem ?? 0);
    } catch {
      continue; // it ended meanwhile
    }
  }
  return ticks / ticksPerSecond;
}

/** Runs `work` on `clients` connections until each has done its share or the time is over. */
export async function onClients(
  pool: pg.Pool,
  clients: number,
  work: (client: pg.PoolClient, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const client = await pool.connect();
      try {
        await work(client, index);
      } finally {
        client.release();
      }
    }),
  );
}

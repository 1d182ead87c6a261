import { readFileSync, readdirSync } from "node:fs";
import pg from "pg";
import type { Topology } from "@/lib/db/regions/topology";
import { openPlanet } from "@/scripts/drill/planet-runtime";
import { ChildPlanet } from "@/scripts/local/child-planet";

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
 * Three databases, Redis and workers without link delays, and beside the replicated table "Document"
 * its twin `native_document`, which PostgreSQL's own logical replication carries to both targets.
 */
export async function withBenchPlanet<T>(run: (bench: BenchPlanet) => Promise<T>): Promise<T> {
  const planet = new ChildPlanet(["--headless", "--no-latency"]);
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
    for (const [index, { pool }] of targets.entries()) {
      const connection = pg.escapeLiteral(regions[0]?.directUrl ?? "");
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

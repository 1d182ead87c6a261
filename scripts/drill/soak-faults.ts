import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { localDir } from "@/scripts/local/paths";
import { signal } from "@/scripts/local/process-tools";
import type { DrillRegion } from "./planet-runtime";
import { until } from "./until";

/** Each holds for so long, in ms. */
const HOLD_MS = 20_000;
const MEBIBYTE = 1_048_576;
const SMALL_DISK_MIB = 256;

export interface SoakFault {
  name: string;
  /** Resolves once the fault is over. */
  run: () => Promise<void>;
}

/** A database on a small disk of its own, which can be filled. */
export interface SmallDisk {
  fill(): void;
  empty(): void;
  remove(): void;
}

/**
 * Moves all tables of a region onto a file system of 256 MiB.
 *
 * @returns why that can't be done here, where it can't
 */
export async function moveToSmallDisk({ pool }: DrillRegion): Promise<SmallDisk | string> {
  const place = mkdtempSync(path.join(localDir, "disk-"));
  const unmount = () => {
    execFileSync("umount", ["--lazy", place]);
    rmSync(place, { recursive: true, force: true });
  };
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SMALL_DISK_MIB}m`, "tmpfs", place]);
  } catch (error) {
    rmSync(place, { recursive: true, force: true });
    return `a small file system can't be mounted here: ${String(error).split("\n")[0]}`;
  }
  try {
    const { rows } = await pool.query<{ data_directory: string }>("SHOW data_directory");
    const { uid, gid } = statSync(rows[0]!.data_directory);
    chownSync(place, uid, gid);
    await pool.query(`CREATE TABLESPACE small LOCATION '${place}'`);
    for (const kind of ["TABLE", "INDEX"]) {
      // It wants all of them at once, and the workers write into them in orders of their own.
      await until(
        "tables on the small disk",
        async () => {
          await pool.query(`ALTER ${kind} ALL IN TABLESPACE pg_default SET TABLESPACE small`);
          return true;
        },
        { timeoutMs: 60_000 },
      );
    }
    // Partitions that come later too.
    await pool.query(
      `DO $$ BEGIN EXECUTE format('ALTER ROLE %I SET default_tablespace = small', current_user); END $$`,
    );
  } catch (error) {
    unmount();
    throw error;
  }
  const ballast = path.join(place, "ballast");
  return {
    fill: () => {
      const { bavail, bsize } = statfsSync(place);
      const chunk = Buffer.alloc(MEBIBYTE);
      try {
        for (let left = bavail * bsize; left > 0; left -= chunk.length) {
          writeFileSync(ballast, chunk.subarray(0, Math.min(left, chunk.length)), { flag: "a" });
        }
      } catch (error) {
        // The database has taken some of what was left meanwhile.
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    empty: () => rmSync(ballast, { force: true }),
    remove: unmount,
  };
}

/** The faults of a soak, in their order. */
export function soakFaults(
  planet: ChildPlanet,
  regions: readonly DrillRegion[],
  disk: SmallDisk | string,
): SoakFault[] {
  const [first, second, third] = regions as [DrillRegion, DrillRegion, DrillRegion];
  const faults: SoakFault[] = [
    {
      name: `connections of ${second.id} exhausted`,
      run: () => exhaustConnections(planet, second),
    },
    { name: `a slow query in ${first.id}`, run: () => queryFor(planet, first) },
    { name: `a long transaction in ${first.id}`, run: () => holdTransaction(first) },
    { name: "Redis killed", run: () => killRedis(planet) },
  ];
  if (typeof disk === "string") return faults;
  const fillDisk = async () => {
    disk.fill();
    await systemSleep(HOLD_MS);
    disk.empty();
  };
  return [...faults, { name: `disk of ${third.id} full`, run: fillDisk }];
}

/** As many sessions as the server takes, those included that the application gives back meanwhile. */
export async function exhaustConnections(
  planet: ChildPlanet,
  { id }: DrillRegion,
  holdMs = HOLD_MS,
): Promise<void> {
  const { directUrl } = planet.cluster().regions.find((region) => region.id === id)!;
  const taken: pg.Client[] = [];
  const endMs = performance.now() + holdMs;
  while (performance.now() < endMs) {
    const client = new pg.Client({ connectionString: directUrl });
    client.on("error", () => undefined);
    const connected = await client.connect().then(
      () => true,
      () => false,
    );
    if (connected) taken.push(client);
    else await systemSleep(50);
  }
  await Promise.allSettled(taken.map((client) => client.end()));
}

/** Keeps a core of the database busy. */
async function queryFor(planet: ChildPlanet, { id }: DrillRegion): Promise<void> {
  const { directUrl } = planet.cluster().regions.find((region) => region.id === id)!;
  const client = new pg.Client({ connectionString: directUrl, statement_timeout: HOLD_MS });
  await client.connect();
  try {
    await client.query("SELECT sum(sqrt(n)) FROM generate_series(1, 1e12::bigint) n");
  } catch (error) {
    // Cancelled: its time was over.
    if ((error as { code?: string }).code !== "57014") throw error;
  } finally {
    await client.end();
  }
}

/** One that has an id and does not end: nothing after it is told to the other regions until it does. */
export async function holdTransaction({ pool }: DrillRegion, holdMs = HOLD_MS): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_current_xact_id()");
    await systemSleep(holdMs);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
}

async function killRedis(planet: ChildPlanet): Promise<void> {
  const redis = (await planet.processes()).find(({ name }) => name === "redis");
  if (!redis) throw new Error("There is no Redis to kill");
  signal(redis.pid, "SIGKILL");
}

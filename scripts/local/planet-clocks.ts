import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { MeridianError } from "@/lib/errors";
import type { ClockState } from "@/lib/lab/planet-state";
import { signal } from "@/scripts/local/process-tools";

export class UnknownClockError extends MeridianError {
  constructor(region: string) {
    super("unknown-clock", `The clock of ${region} can't be set.`, { data: { region } });
  }
}

/** In the data directory, beside the postgresql.conf that includes it. */
const FILE = "meridian_clock.conf";
const INCLUDE = `include_if_exists '${FILE}'`;

/** In ms; a placeholder that no extension owns. */
const SETTING = "meridian.clock_ahead_ms";

const IS_INSTALLED = `
  SELECT to_regprocedure('pg_catalog.machine_clock_timestamp()') IS NOT NULL AS installed,
         to_regnamespace('mr') IS NOT NULL AS migrated`;

/** Before the migrations: function bodies in standard SQL are bound to the clock that they find. */
const INSTALL = `
  BEGIN;
  ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO machine_clock_timestamp;
  CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN pg_catalog.machine_clock_timestamp() + pg_catalog.make_interval(
      secs => coalesce(nullif(pg_catalog.current_setting('${SETTING}', true), '')::float8, 0) / 1000);
  COMMIT`;

interface ClockedDatabase {
  dataDir: string;
  /** Of the postmaster, while it runs. */
  pid: () => number | null;
  aheadMs: number;
}

/**
 * The clocks of the planet's databases, which share one machine and so one clock. What PostgreSQL calls
 * `clock_timestamp()`, by which leases, fences and stamps are decided, is the machine's and what a
 * setting adds to it; `now()` stays the machine's. A clock that is wrong stays wrong over a restart of
 * its database, as a machine's would.
 */
export class PlanetClocks {
  private readonly databases = new Map<string, ClockedDatabase>();

  /** Before the database starts: an earlier planet may have ended with a clock that was wrong. */
  static async forget(dataDir: string): Promise<void> {
    await rm(path.join(dataDir, FILE), { force: true });
  }

  /** @param url of the owner. A database that was migrated with the machine's clock keeps that one. */
  async add(
    region: string,
    { url, dataDir, pid }: { url: string; dataDir: string; pid: () => number | null },
  ): Promise<void> {
    const client = new Client({ connectionString: url, application_name: "meridian-planet" });
    await client.connect();
    try {
      const { rows } = await client.query<{ installed: boolean; migrated: boolean }>(IS_INSTALLED);
      if (!rows[0]?.installed) {
        if (rows[0]?.migrated) return;
        await client.query(INSTALL);
      }
    } finally {
      await client.end();
    }
    const conf = path.join(dataDir, "postgresql.conf");
    if (!(await readFile(conf, "utf8")).includes(INCLUDE)) await appendFile(conf, `\n${INCLUDE}\n`);
    this.databases.set(region, { dataDir, pid, aheadMs: 0 });
  }

  /**
   * @param aheadMs behind the machine's when negative
   * @throws UnknownClockError
   */
  async set(region: string, aheadMs: number): Promise<void> {
    const database = this.databases.get(region);
    if (!database) throw new UnknownClockError(region);
    await writeFile(path.join(database.dataDir, FILE), `${SETTING} = ${aheadMs}\n`);
    database.aheadMs = aheadMs;
    const pid = database.pid();
    if (pid !== null) signal(pid, "SIGHUP");
  }

  async setAllRight(): Promise<void> {
    for (const [region, { aheadMs }] of this.databases)
      if (aheadMs !== 0) await this.set(region, 0);
  }

  states(): ClockState[] {
    return [...this.databases].map(([region, { aheadMs }]) => ({ region, aheadMs }));
  }
}

import path from "node:path";
import { startPostgres } from "@/scripts/local/embedded-postgres";
import { PlanetClocks } from "@/scripts/local/planet-clocks";
import { databaseUrl, OWNER_ROLE, type PlanetRegion } from "@/scripts/local/planet-env";
import type { PlanetFiles, PlanetSecrets } from "@/scripts/local/planet-files";
import type { PlanetReport } from "@/scripts/local/planet-report";
import { findRedisProgram, startRedis } from "@/scripts/local/redis-server";
import type { RestartPolicy, SupervisedSpec } from "@/scripts/local/supervisor";

/** "The machine reboots": a database that fails is away for a while, as it would be. */
const REBOOT: RestartPolicy = { killedMs: 10_000, crashedMs: 10_000, maxMs: 10_000 };

/** For what a process manager would have back at once. */
export const QUICK: RestartPolicy = { killedMs: 200, crashedMs: 500, maxMs: 10_000 };

export const postgresName = (region: string) => `postgres-${region}`;

export interface PlanetStoresOptions {
  regions: readonly PlanetRegion[];
  secrets: PlanetSecrets;
  files: PlanetFiles;
  report: PlanetReport;
  /** Ends a download. */
  signal: AbortSignal;
  choosePort: (kind: "postgres" | "redis") => Promise<number>;
  supervise: (spec: SupervisedSpec) => Promise<void>;
  pidOf: (name: string) => number | null;
}

/** The databases and the Redis of a planet: its own, or those of the environment. */
export class PlanetStores {
  /** As reached without a link; null is degraded mode. */
  redisUrl: string | null = null;
  /** For people. */
  redisOrigin = "none: degraded mode";
  /** Port of the planet's own Redis. */
  redisPort: number | null = null;
  readonly clocks = new PlanetClocks();
  private readonly postgresPorts = new Map<string, number>();

  constructor(private readonly options: PlanetStoresOptions) {}

  /** Port of the planet's own Postgres of a region; null when it is external. */
  postgresPort(region: string): number | null {
    return this.postgresPorts.get(region) ?? null;
  }

  /** As the owner, and past the links. */
  directUrl({ entry, external }: PlanetRegion): string {
    if (external) return external.direct;
    const port = this.postgresPorts.get(entry.id);
    if (port === undefined) throw new Error(`Postgres of ${entry.id} has not been started.`);
    return databaseUrl(OWNER_ROLE, this.options.secrets.ownerPassword, port);
  }

  async startPostgres(): Promise<void> {
    const { regions, report, choosePort } = this.options;
    const embedded = regions.filter(({ external }) => external === null);
    if (embedded.length === 0) return report.note("Databases: those of the environment");
    // Ports before servers: two that start at once must not be promised the same one.
    for (const { entry } of embedded) {
      this.postgresPorts.set(entry.id, await choosePort("postgres"));
    }
    await report.step(`Postgres ×${embedded.length}`, async () => {
      // All of them settle before an error is passed on, so that nothing starts behind its back.
      const outcomes = await Promise.allSettled(
        embedded.map((region) => this.startPostgresOf(region)),
      );
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    });
  }

  /** @param given REDIS_URL of the environment */
  async startRedis(wanted: boolean, given: string | undefined): Promise<void> {
    const { report } = this.options;
    if (!wanted) return report.note("Redis: turned off, degraded mode");
    if (given) {
      this.redisUrl = given;
      this.redisOrigin = "REDIS_URL";
      return report.note("Redis: that of REDIS_URL");
    }
    await report.step("Redis", () => this.startOwnRedis());
  }

  private async startPostgresOf(planetRegion: PlanetRegion): Promise<void> {
    const { files, secrets, report, supervise, pidOf } = this.options;
    const region = planetRegion.entry.id;
    const name = postgresName(region);
    const dataDir = path.join(files.dataDir, "postgres", region);
    await PlanetClocks.forget(dataDir);
    await supervise({
      name,
      restart: REBOOT,
      start: () =>
        startPostgres({
          name: region,
          dataDir,
          port: this.postgresPorts.get(region)!,
          password: secrets.ownerPassword,
          logFile: files.log(name),
          onLog: (line) => report.event(`${name}: ${line}`),
        }),
    });
    const url = this.directUrl(planetRegion);
    await this.clocks.add(region, { url, dataDir, pid: () => pidOf(name) });
  }

  private async startOwnRedis(): Promise<void> {
    const { files, report, choosePort, supervise, signal } = this.options;
    const onLog = (line: string) => report.event(`redis: ${line}`);
    const program = await findRedisProgram({ onLog, signal });
    if (!program) {
      return report.event(
        "redis: none found (no redis-server, no Debian packages, no Docker): degraded mode. " +
          "Everything works, the dashboard says so.",
      );
    }
    const port = await choosePort("redis");
    const dir = path.join(files.dataDir, "redis");
    await supervise({
      name: "redis",
      restart: QUICK,
      start: () => startRedis({ program, port, dir, logFile: files.log("redis") }),
    });
    this.redisPort = port;
    this.redisUrl = `redis://127.0.0.1:${port}`;
    this.redisOrigin = program.origin;
  }
}

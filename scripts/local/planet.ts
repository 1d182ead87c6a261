import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { EnvSource } from "@/lib/env";
import { errorMessage, MeridianError } from "@/lib/errors";
import { endLeftoverPostgres, startPostgres } from "@/scripts/local/embedded-postgres";
import { withFileLock } from "@/scripts/local/file-lock";
import { startNodeProcess } from "@/scripts/local/node-process";
import { localDir, projectRoot } from "@/scripts/local/paths";
import { PlanetControl } from "@/scripts/local/planet-control";
import {
  childEnvironment,
  databaseUrl,
  endpointsOf,
  isLoopback,
  OWNER_ROLE,
  planRegions,
  type Endpoints,
  type PlanetRegion,
} from "@/scripts/local/planet-env";
import { PlanetFiles, type PlanetSecrets } from "@/scripts/local/planet-files";
import { PlanetLinks } from "@/scripts/local/planet-links";
import type { PlanetReport } from "@/scripts/local/planet-report";
import {
  buildIsCurrent,
  buildWeb,
  firstPage,
  freeWebPort,
  webSpec,
  type WebMode,
} from "@/scripts/local/planet-web";
import { endProcess, freePort, isAlive, processesIn } from "@/scripts/local/process-tools";
import { findRedisProgram, startRedis } from "@/scripts/local/redis-server";
import { Supervisor, type SupervisedSpec } from "@/scripts/local/supervisor";
import { migrateRegions } from "@/scripts/migrate-runner";
import { seedDemo, type SeedReport } from "@/scripts/seed-runner";

export class PlanetRunningError extends MeridianError {
  constructor(where: string, web: string | null, pid: number) {
    const address = web ? ` at ${web}` : "";
    super("planet-running", `A planet already runs in ${where}${address} (pid ${pid}).`);
  }
}

export interface PlanetOptions {
  latency: boolean;
  redis: boolean;
  /** Null: databases, Redis and workers only. */
  web: WebMode | null;
  port: number;
  host: string;
  /** Fresh data that is removed at the end, and free ports: a planet beside the usual one. */
  ephemeral: boolean;
  /** Where cluster.json and logs go, when not with the data. */
  dir?: string;
  /** Migrate and seed databases of the environment too, when they are not on this machine. */
  migrate: boolean;
}

export interface PlanetSummary {
  web: string | null;
  redis: string | null;
  redisOrigin: string;
  control: string;
  regions: { id: string; city: string; address: string }[];
  seed: SeedReport | null;
  logs: string;
}

const FIRST_PORT = { postgres: 54_310, redis: 54_320, links: 54_330, control: 54_370 };
const LOCK_TIMEOUT_MS = 30_000;
const STOPPING_TIMEOUT_MS = 45_000;
const FIRST_PAGE_TIMEOUT_MS = 60_000;
const WARM_PAGES = ["/", "/sign-in"];
const KILL = [
  { signal: "SIGTERM", waitMs: 3_000 },
  { signal: "SIGKILL", waitMs: 3_000 },
] as const;

/** "The machine reboots": a database that fails is away for a while, as it would be. */
const REBOOT = { killedMs: 10_000, crashedMs: 10_000, maxMs: 10_000 };
const QUICK = { killedMs: 200, crashedMs: 500, maxMs: 10_000 };

const postgresName = (region: string) => `postgres-${region}`;
const workerName = (region: string) => `worker-${region}`;

/** Ephemeral planets whose launcher was killed before it could clean up. */
async function removeDeadEphemerals(): Promise<void> {
  await mkdir(localDir, { recursive: true });
  for (const name of await readdir(localDir)) {
    const pid = /^ephemeral-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const dir = path.join(localDir, name);
    await endLeftoverProcesses(new PlanetFiles(dir, dir));
    const postgres = path.join(dir, "postgres");
    for (const region of await readdir(postgres).catch(() => [])) {
      await endLeftoverPostgres({ name: region, dataDir: path.join(postgres, region) });
    }
    await rm(dir, { recursive: true, force: true });
  }
}

async function endLeftoverProcesses(files: PlanetFiles): Promise<void> {
  for (const { name, pid } of files.leftovers()) {
    if (name.startsWith("postgres-")) continue; // it has its own way down
    await endProcess(`The leftover ${name}`, pid, KILL);
  }
}

/** The local planet: every region's database, Redis, links, workers and the app, on one machine. */
export class Planet {
  private readonly files: PlanetFiles;
  private readonly regions: readonly PlanetRegion[];
  private readonly supervisor: Supervisor;
  private readonly links: PlanetLinks;
  private readonly takenPorts = new Set<number>();
  private readonly postgresPorts = new Map<string, number>();
  private readonly own = new Map<string, Endpoints>();
  private control: PlanetControl | undefined;
  private controlUrl = "";
  private redisUrl: string | null = null;
  private redisOrigin = "none: degraded mode";
  private webUrl: string | null = null;
  private state: "new" | "starting" | "running" | "stopping" = "new";
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly options: PlanetOptions,
    private readonly report: PlanetReport,
    private readonly source: EnvSource = process.env,
  ) {
    const dataDir = options.ephemeral ? path.join(localDir, `ephemeral-${process.pid}`) : localDir;
    this.files = new PlanetFiles(path.resolve(options.dir ?? dataDir), dataDir);
    this.regions = planRegions(source);
    this.supervisor = new Supervisor({
      log: (line) => report.event(line),
      onChange: () => this.publish(),
    });
    this.links = new PlanetLinks(
      this.regions.map(({ entry }) => entry),
      {
        latency: options.latency,
        firstPort: this.firstPort("links"),
        takenPorts: this.takenPorts,
      },
    );
  }

  /**
   * Starts what is missing, in order. On an error nothing keeps running.
   *
   * @throws PlanetRunningError when this directory's planet is running
   */
  async start(): Promise<PlanetSummary> {
    await this.claim();
    try {
      return await this.startParts();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops everything, users first and databases last. Safe to call again and at any time. */
  stop(): Promise<void> {
    this.stopped ??= this.stopParts();
    return this.stopped;
  }

  private async startParts(): Promise<PlanetSummary> {
    const { report, options } = this;
    const secrets = this.files.secrets();
    await report.step("Leftovers of an earlier run", () => this.endLeftovers(), { quiet: true });
    await this.startStores(secrets);
    await report.step("Links between the regions", () => this.startLinks(secrets));
    const seed = await this.prepareDatabases(secrets);
    await this.startControl(secrets);
    await report.step(`Workers ×${this.regions.length}`, () => this.startWorkers(secrets));
    if (options.web) await this.startWeb(options.web, secrets);
    this.ensureNotStopping();
    this.state = "running";
    this.files.writeHolder("running", this.webUrl);
    this.publish();
    return {
      web: this.webUrl,
      redis: this.redisUrl,
      redisOrigin: this.redisOrigin,
      control: this.controlUrl,
      regions: this.regions.map(({ entry, external }) => ({
        id: entry.id,
        city: entry.city,
        address: external
          ? new URL(external.write).host
          : `127.0.0.1:${this.postgresPorts.get(entry.id)}`,
      })),
      seed,
      logs: this.files.logs,
    };
  }

  /** One launcher per directory. One that is just stopping is waited for. */
  private async claim(): Promise<void> {
    const { stateDir } = this.files;
    await mkdir(stateDir, { recursive: true });
    await withFileLock(path.join(stateDir, "planet.lock"), LOCK_TIMEOUT_MS, async () => {
      const deadline = performance.now() + STOPPING_TIMEOUT_MS;
      for (;;) {
        const holder = this.files.holder();
        if (!holder) break;
        if (holder.state !== "stopping" || performance.now() > deadline) {
          throw new PlanetRunningError(
            path.relative(projectRoot, stateDir),
            holder.web,
            holder.pid,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      this.state = "starting";
      this.files.writeHolder("starting", null);
    });
  }

  private ensureNotStopping(): void {
    if (this.state === "stopping") throw new MeridianError("stopped", "Stopped while starting.");
  }

  private async endLeftovers(): Promise<void> {
    await removeDeadEphemerals();
    await endLeftoverProcesses(this.files);
    await Promise.all(
      this.regions.map(({ entry }) =>
        endLeftoverPostgres({ name: entry.id, dataDir: this.postgresDir(entry.id) }),
      ),
    );
  }

  private postgresDir(region: string): string {
    return path.join(this.files.dataDir, "postgres", region);
  }

  private firstPort(kind: keyof typeof FIRST_PORT): number {
    return this.options.ephemeral ? 0 : FIRST_PORT[kind];
  }

  private choosePort(kind: keyof typeof FIRST_PORT): Promise<number> {
    return freePort(this.firstPort(kind), { taken: this.takenPorts });
  }

  private logFile(name: string): string {
    return path.join(this.files.logs, `${name}.log`);
  }

  private async add(spec: SupervisedSpec): Promise<void> {
    this.ensureNotStopping();
    await this.supervisor.add(spec);
  }

  private async startStores(secrets: PlanetSecrets): Promise<void> {
    const { report } = this;
    const embedded = this.regions.filter(({ external }) => external === null);
    // Ports before servers: two that start at once must not be promised the same one.
    for (const { entry } of embedded) {
      this.postgresPorts.set(entry.id, await this.choosePort("postgres"));
    }
    if (embedded.length > 0) {
      await report.step(`Postgres ×${embedded.length}`, () =>
        Promise.all(embedded.map(({ entry }) => this.startPostgresOf(entry.id, secrets))),
      );
    } else report.note("Databases: those of the environment");
    await this.startRedis();
  }

  private async startPostgresOf(region: string, secrets: PlanetSecrets): Promise<void> {
    await this.add({
      name: postgresName(region),
      restart: REBOOT,
      start: () =>
        startPostgres({
          name: region,
          dataDir: this.postgresDir(region),
          port: this.postgresPorts.get(region)!,
          password: secrets.ownerPassword,
          logFile: this.logFile(postgresName(region)),
          onLog: (line) => this.report.event(`${postgresName(region)}: ${line}`),
        }),
    });
  }

  private async startRedis(): Promise<void> {
    const { report } = this;
    if (!this.options.redis) return report.note("Redis: turned off, degraded mode");
    if (this.source.REDIS_URL?.trim()) {
      this.redisUrl = this.source.REDIS_URL.trim();
      this.redisOrigin = "REDIS_URL";
      return report.note("Redis: that of REDIS_URL");
    }
    await report.step("Redis", async () => {
      const program = await findRedisProgram({ onLog: (line) => report.event(`redis: ${line}`) });
      if (!program) {
        return report.event(
          "redis: none found (no redis-server, no Debian packages, no Docker): degraded mode. " +
            "Everything works, the dashboard says so.",
        );
      }
      const port = await this.choosePort("redis");
      this.redisOrigin = program.origin;
      this.redisUrl = `redis://127.0.0.1:${port}`;
      await this.add({
        name: "redis",
        restart: QUICK,
        start: () =>
          startRedis({
            program,
            port,
            dir: path.join(this.files.dataDir, "redis"),
            logFile: this.logFile("redis"),
          }),
      });
    });
  }

  private async startLinks(secrets: PlanetSecrets): Promise<void> {
    const ownRedis = this.supervisor.pidOf("redis") !== null;
    await this.links.start({
      postgresPort: (region) => this.postgresPorts.get(region) ?? null,
      redisPort: ownRedis ? Number(new URL(this.redisUrl!).port) : null,
    });
    const from: Record<string, Record<string, Endpoints>> = {};
    for (const link of this.links.all()) {
      const region = this.regions.find(({ entry }) => entry.id === link.to)!;
      const endpoints = endpointsOf(link, region, secrets, this.redisUrl);
      (from[link.from] ??= {})[link.to] = endpoints;
      if (link.from === link.to) this.own.set(link.to, endpoints);
    }
    this.files.writeLinks({ from });
  }

  /** Past the proxies: as the owner, of one of ours or of the environment's. */
  private directUrl({ entry, external }: PlanetRegion, secrets: PlanetSecrets): string {
    if (external) return external.direct;
    return databaseUrl(OWNER_ROLE, secrets.ownerPassword, this.postgresPorts.get(entry.id)!);
  }

  /** Somebody else's databases are not changed without being asked to. */
  private async prepareDatabases(secrets: PlanetSecrets): Promise<SeedReport | null> {
    const { report } = this;
    const targets = this.regions.map((region) => ({
      id: region.entry.id,
      isPrimary: region.entry.isPrimary,
      directUrl: this.directUrl(region, secrets),
      appPassword: region.external ? undefined : secrets.appPassword,
    }));
    if (!this.options.migrate && !targets.every(({ directUrl }) => isLoopback(directUrl))) {
      report.note("Migrations: left to `npm run db:migrate`, the databases are not local");
      return null;
    }
    await report.step("Migrations", async () => {
      const reports = await migrateRegions(targets);
      const failed = reports.filter(({ ok }) => !ok);
      if (failed.length === 0) return;
      const reasons = failed.map(({ regionId, error }) => `${regionId}: ${error?.message}`);
      throw new MeridianError("migration", `Migrations failed.\n${reasons.join("\n")}`);
    });
    return report.step("Demo accounts and documents", () => this.seed(targets));
  }

  /** Without them the planet still works, and a promoted region refuses the old leader's. */
  private async seed(
    targets: readonly { isPrimary: boolean; directUrl: string }[],
  ): Promise<SeedReport | null> {
    const leader = targets.find(({ isPrimary }) => isPrimary)!;
    const isOurs = this.regions.every(({ external }) => external === null);
    const environment = { ...this.source, ...(isOurs ? { MERIDIAN_LOCAL_PLANET: "1" } : {}) };
    try {
      return await seedDemo({ leaderDirectUrl: leader.directUrl, environment });
    } catch (error) {
      this.report.event(`demo accounts: ${errorMessage(error)}`);
      return null;
    }
  }

  private async startControl(secrets: PlanetSecrets): Promise<void> {
    this.control = new PlanetControl({
      port: await this.choosePort("control"),
      token: secrets.controlToken,
      links: this.links,
      processes: this.supervisor,
    });
    this.controlUrl = await this.control.start();
  }

  private childEnv(currentRegion: string, secrets: PlanetSecrets): NodeJS.ProcessEnv {
    return childEnvironment({
      source: this.source,
      regions: this.regions,
      own: this.own,
      secrets,
      linksFile: this.files.links,
      currentRegion,
      production: this.options.web === "production",
    });
  }

  private async startWorkers(secrets: PlanetSecrets): Promise<void> {
    await Promise.all(
      this.regions.map(({ entry }) => {
        const name = workerName(entry.id);
        return this.add({
          name,
          restart: QUICK,
          start: () =>
            startNodeProcess({
              name,
              args: ["--import", "tsx", path.join(projectRoot, "scripts/worker.ts")],
              env: this.childEnv(entry.id, secrets),
              logFile: this.logFile(name),
              onLine: (line) => this.report.workerLine(name, line),
              announcesReady: false,
            }),
        });
      }),
    );
  }

  private async startWeb(mode: WebMode, secrets: PlanetSecrets): Promise<void> {
    const { report, options } = this;
    const primary = this.regions.find(({ entry }) => entry.isPrimary)!.entry.id;
    const env = this.childEnv(primary, secrets);
    if (mode === "production" && !buildIsCurrent()) {
      await report.step("Production build", () => buildWeb(env));
    }
    const port = await freeWebPort(options.port, options.host);
    const url = `http://localhost:${port}`;
    await report.step("Web", async () => {
      const logFile = this.logFile("web");
      const onLine = (line: string) => report.webLine(line);
      await this.add(webSpec({ mode, port, host: options.host, env, logFile, onLine }));
      this.webUrl = url;
    });
    // Compiling it takes longer than all the rest; who opens it meanwhile waits for the same work.
    const warm = this.warmUp(`http://${options.host}:${port}`);
    if (mode === "production") await warm;
  }

  private async warmUp(origin: string): Promise<void> {
    for (const page of WARM_PAGES) {
      if (this.state === "stopping") return;
      const status = await firstPage(`${origin}${page}`, FIRST_PAGE_TIMEOUT_MS);
      if (this.state === "stopping") return;
      if (status === undefined || status >= 500) {
        const log = this.logFile("web");
        this.report.event(`${page} answered ${status ?? "nothing"}: see ${log}`);
      }
    }
  }

  /** Keeps cluster.json and the record of processes true, whatever just changed. */
  private publish(): void {
    if (this.state !== "starting" && this.state !== "running") return;
    this.files.recordProcesses(this.supervisor.running());
    if (this.state !== "running") return;
    const secrets = this.files.secrets();
    this.files.writeCluster({
      web: this.webUrl,
      redis: this.redisUrl,
      control: this.controlUrl,
      regions: this.regions.map((region) => {
        const { id } = region.entry;
        return {
          id,
          url: this.own.get(id)!.direct,
          directUrl: this.directUrl(region, secrets),
          pid: this.supervisor.pidOf(postgresName(id)),
          workerPid: this.supervisor.pidOf(workerName(id)),
        };
      }),
    });
  }

  private async stopParts(): Promise<void> {
    if (this.state === "new") return;
    this.state = "stopping";
    this.files.writeHolder("stopping", this.webUrl);
    const ids = this.regions.map(({ entry }) => entry.id);
    const stopAll = (names: readonly string[]) =>
      Promise.all(names.map((name) => this.supervisor.stop(name)));
    await this.supervisor.stop("web");
    await stopAll(ids.map(workerName));
    await this.control?.stop();
    await this.links.stop();
    await this.supervisor.stop("redis");
    await stopAll(ids.map(postgresName));
    if (this.options.ephemeral) {
      await rm(this.files.dataDir, { recursive: true, force: true, maxRetries: 5 });
    }
    this.files.removeRunning();
  }
}

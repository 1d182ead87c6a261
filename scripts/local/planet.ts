import { rm } from "node:fs/promises";
import path from "node:path";
import type { EnvSource } from "@/lib/env";
import { MeridianError } from "@/lib/errors";
import { startNodeProcess } from "@/scripts/local/node-process";
import { startCron } from "@/scripts/local/cron";
import { localDir, projectRoot } from "@/scripts/local/paths";
import { claimPlanet } from "@/scripts/local/planet-claim";
import { PlanetControl } from "@/scripts/local/planet-control";
import { prepareDatabases } from "@/scripts/local/planet-databases";
import {
  childEnvironment,
  endpointsOf,
  peerPasswords,
  planRegions,
  type Endpoints,
  type PlanetRegion,
} from "@/scripts/local/planet-env";
import { PlanetFiles, type PlanetSecrets } from "@/scripts/local/planet-files";
import { endLeftovers, removeDeadEphemerals } from "@/scripts/local/planet-leftovers";
import { PlanetLinks } from "@/scripts/local/planet-links";
import type { PlanetReport } from "@/scripts/local/planet-report";
import { PlanetStores, postgresName, QUICK } from "@/scripts/local/planet-stores";
import {
  buildIsCurrent,
  buildWeb,
  ownFolderSettings,
  firstPage,
  freeWebPort,
  webSpec,
  type WebMode,
} from "@/scripts/local/planet-web";
import { freePort } from "@/scripts/local/process-tools";
import { Supervisor, type SupervisedSpec } from "@/scripts/local/supervisor";
import type { SeedReport } from "@/scripts/seed-runner";

export interface PlanetOptions {
  /** Delays on the links between regions. */
  latency: boolean;
  redis: boolean;
  /** Null: databases, Redis and workers only. */
  web: WebMode | null;
  /** No workers: requests and a cron job do their part, each request in a process of its own. */
  serverless: boolean;
  /** Preferred port of the web; 0 takes any free one. */
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
const FIRST_PAGE_TIMEOUT_MS = 60_000;
const WARM_PAGES = ["/", "/sign-in"];

const workerName = (region: string) => `worker-${region}`;

/** The local planet: every region's database, Redis, links, workers and the app, on one machine. */
export class Planet {
  private readonly files: PlanetFiles;
  private readonly regions: readonly PlanetRegion[];
  private readonly supervisor: Supervisor;
  private readonly links: PlanetLinks;
  private readonly takenPorts = new Set<number>();
  /** Each region's endpoints as seen from itself. */
  private readonly own = new Map<string, Endpoints>();
  private secrets!: PlanetSecrets;
  private stores!: PlanetStores;
  private control: PlanetControl | undefined;
  private controlUrl = "";
  private webUrl: string | null = null;
  private state: "new" | "starting" | "running" | "stopping" = "new";
  private readonly abort = new AbortController();
  private starting: Promise<unknown> = Promise.resolve();
  private stopped: Promise<void> | undefined;

  /** @throws ConfigurationError when the databases of the environment are incomplete */
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
      { latency: options.latency, firstPort: this.firstPort("links"), takenPorts: this.takenPorts },
    );
  }

  /**
   * Starts what is missing, in order. On an error nothing keeps running.
   *
   * @throws PlanetRunningError when this directory's planet is running
   */
  async start(): Promise<PlanetSummary> {
    await claimPlanet(this.files, () => (this.state = "starting"));
    const starting = this.startParts();
    this.starting = starting.catch(() => undefined);
    try {
      return await starting;
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
    const { report, options, files, regions } = this;
    const secrets = (this.secrets = files.secrets());
    await report.step("Leftovers of an earlier run", () => this.endLeftovers(), { quiet: true });
    const stores = (this.stores = new PlanetStores({
      regions,
      secrets,
      files,
      report,
      signal: this.abort.signal,
      choosePort: (kind) => this.choosePort(kind),
      supervise: (spec) => this.supervise(spec),
      pidOf: (name) => this.supervisor.pidOf(name),
    }));
    await stores.startPostgres();
    await stores.startRedis(options.redis, this.source.REDIS_URL?.trim() || undefined);
    await report.step("Links between the regions", () => this.startLinks());
    const seed = await prepareDatabases({
      databases: regions.map((region) => ({
        id: region.entry.id,
        isPrimary: region.entry.isPrimary,
        directUrl: stores.directUrl(region),
        appPassword: region.external ? undefined : secrets.appPassword,
        peerPasswords: peerPasswords(region, regions, secrets),
      })),
      allOurs: regions.every(({ external }) => external === null),
      migrate: options.migrate,
      source: this.source,
      report,
    });
    await this.startControl();
    if (!options.serverless) {
      await report.step(`Workers ×${regions.length}`, () => this.startWorkers());
    }
    if (options.web) await this.startWeb(options.web);
    if (options.serverless && this.webUrl) {
      const secret = this.source.CRON_SECRET || this.secrets.cronSecret;
      startCron(this.webUrl, secret, report, this.abort.signal);
    }
    this.ensureNotStopping();
    this.state = "running";
    files.writeHolder("running", this.webUrl);
    this.publish();
    return this.summary(seed);
  }

  private summary(seed: SeedReport | null): PlanetSummary {
    return {
      web: this.webUrl,
      redis: this.stores.redisUrl,
      redisOrigin: this.stores.redisOrigin,
      control: this.controlUrl,
      regions: this.regions.map((region) => ({
        id: region.entry.id,
        city: region.entry.city,
        address: new URL(this.stores.directUrl(region)).host,
      })),
      seed,
      logs: this.files.logs,
    };
  }

  private isStopping(): boolean {
    return this.abort.signal.aborted;
  }

  private ensureNotStopping(): void {
    if (this.isStopping()) throw new MeridianError("stopped", "Stopped while starting.");
  }

  private async endLeftovers(): Promise<void> {
    await removeDeadEphemerals();
    await endLeftovers(this.files);
  }

  private firstPort(kind: keyof typeof FIRST_PORT): number {
    return this.options.ephemeral ? 0 : FIRST_PORT[kind];
  }

  private choosePort(kind: keyof typeof FIRST_PORT): Promise<number> {
    return freePort(this.firstPort(kind), { taken: this.takenPorts });
  }

  private async supervise(spec: SupervisedSpec): Promise<void> {
    this.ensureNotStopping();
    await this.supervisor.add(spec);
  }

  private async startLinks(): Promise<void> {
    const { stores } = this;
    await this.links.start({
      postgresPort: (region) => stores.postgresPort(region),
      redisPort: stores.redisPort,
    });
    const from: Record<string, Record<string, Endpoints>> = {};
    for (const link of this.links.all()) {
      const region = this.regions.find(({ entry }) => entry.id === link.to)!;
      const endpoints = endpointsOf(link, region, this.secrets, stores.redisUrl);
      (from[link.from] ??= {})[link.to] = endpoints;
      if (link.from === link.to) this.own.set(link.to, endpoints);
    }
    this.files.writeLinks({ from });
  }

  private async startControl(): Promise<void> {
    this.ensureNotStopping();
    this.control = new PlanetControl({
      port: await this.choosePort("control"),
      token: this.secrets.controlToken,
      links: this.links,
      processes: this.supervisor,
      clocks: this.stores.clocks,
    });
    this.controlUrl = await this.control.start();
  }

  private childEnv(currentRegion: string): NodeJS.ProcessEnv {
    return childEnvironment({
      source: this.source,
      regions: this.regions,
      own: this.own,
      secrets: this.secrets,
      linksFile: this.files.links,
      currentRegion,
      production: this.options.web === "production",
      serverless: this.options.serverless,
    });
  }

  private async startWorkers(): Promise<void> {
    const script = path.join(projectRoot, "scripts/worker.ts");
    await Promise.all(
      this.regions.map(({ entry }) => {
        const name = workerName(entry.id);
        return this.supervise({
          name,
          restart: QUICK,
          start: () =>
            startNodeProcess({
              name,
              args: ["--import", "tsx", script],
              env: this.childEnv(entry.id),
              logFile: this.files.log(name),
              onLine: (line) => this.report.workerLine(name, line),
              announcesReady: false,
            }),
        });
      }),
    );
  }

  private async startWeb(mode: WebMode): Promise<void> {
    const { report } = this;
    const { host } = this.options;
    const primary = this.regions.find(({ entry }) => entry.isPrimary)!.entry.id;
    // For the fault lab, and for no other process: a worker has no business with faults.
    const env = {
      ...this.childEnv(primary),
      MERIDIAN_CONTROL: this.controlUrl,
      MERIDIAN_CONTROL_TOKEN: this.secrets.controlToken,
    };
    if (mode === "dev") {
      const tsconfig = path.join(this.files.dataDir, "tsconfig.next.json");
      Object.assign(env, ownFolderSettings(this.distDir(), tsconfig));
    }
    if (mode === "production" && !buildIsCurrent()) {
      await report.step("Production build", () => buildWeb(env, this.abort.signal));
    }
    const { serverless } = this.options;
    const port = await freeWebPort(this.options.port, host);
    const logFile = this.files.log("web");
    const onLine = (line: string) => report.webLine(line);
    await report.step("Web", () =>
      this.supervise(webSpec({ mode, serverless, port, host, env, logFile, onLine })),
    );
    this.webUrl = `http://localhost:${port}`;
    // Compiling it takes longer than all the rest; who opens it meanwhile waits for the same work.
    const warm = this.warmUp(`http://${host}:${port}`);
    if (mode === "production") await warm;
  }

  /** Of the development server; removed with an ephemeral planet. */
  private distDir(): string {
    return this.options.ephemeral ? `.next-dev-${process.pid}` : ".next-dev";
  }

  private async warmUp(origin: string): Promise<void> {
    for (const page of WARM_PAGES) {
      if (this.isStopping()) return;
      const status = await firstPage(`${origin}${page}`, FIRST_PAGE_TIMEOUT_MS);
      if (this.isStopping() || (status !== undefined && status < 500)) continue;
      this.report.event(`${page} answered ${status ?? "nothing"}: see ${this.files.log("web")}`);
    }
  }

  /** Keeps cluster.json and the record of processes true, whatever just changed. */
  private publish(): void {
    if (this.state !== "starting" && this.state !== "running") return;
    this.files.recordProcesses(this.supervisor.running());
    if (this.state !== "running") return;
    this.files.writeCluster({
      web: this.webUrl,
      redis: this.stores.redisUrl,
      control: this.controlUrl,
      regions: this.regions.map((region) => {
        const { id } = region.entry;
        return {
          id,
          url: this.own.get(id)!.direct,
          directUrl: this.stores.directUrl(region),
          peerPasswords: peerPasswords(region, this.regions, this.secrets),
          pid: this.supervisor.pidOf(postgresName(id)),
          workerPid: this.supervisor.pidOf(workerName(id)),
        };
      }),
    });
  }

  private async stopParts(): Promise<void> {
    if (this.state === "new") return;
    this.state = "stopping";
    this.abort.abort();
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
    // A part that was just starting when the end was asked for has started by now.
    await this.starting;
    await this.supervisor.stopAll();
    if (this.options.ephemeral) {
      for (const dir of [this.files.dataDir, path.join(projectRoot, this.distDir())]) {
        await rm(dir, { recursive: true, force: true, maxRetries: 5 });
      }
    }
    this.files.removeRunning();
  }
}

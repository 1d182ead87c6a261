import { randomBytes } from "node:crypto";
import { Pool } from "pg";
import { DEFAULT_FAILOVER_SETTINGS, type FailoverSettings } from "@/lib/db/failover/settings";
import { asPeer } from "@/lib/db/regions/peer-role";
import { findRegion, type Endpoints, type Topology } from "@/lib/db/regions/topology";
import { parseRegionIdOf, type RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { RegionWorker } from "@/lib/db/replication/region-worker";
import { STANDARD_QUORUM_HEDGE_MS, type PolicyDefaults } from "@/lib/policy-defaults";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { parseResidencies } from "@/lib/residencies";
import { LinkProxy } from "@/scripts/local/link-proxy";
import type { PeerPasswords } from "@/scripts/migrate-runner";
import { openDatabasePath } from "./database-path";
import {
  createEmptyDatabase,
  createRegions,
  dropDatabase,
  type TestCluster,
  type TestRegion,
  testPeerPasswords,
  testStores,
} from "./stores";
import { testDefaults } from "./test-defaults";

/** One-way delays in ms between the default regions. */
const DELAYS: Readonly<Record<string, number>> = {
  "us-east-1 eu-west-1": 38,
  "us-east-1 ap-southeast-1": 110,
  "eu-west-1 ap-southeast-1": 85,
};

export function oneWayDelayMs(from: string, to: string): number {
  return DELAYS[`${from} ${to}`] ?? DELAYS[`${to} ${from}`] ?? 0;
}

interface Link {
  postgres: LinkProxy;
  redis: LinkProxy | null;
}

export interface TestPlanet {
  regions: TestRegion[];
  ids: RegionId[];
  region(id: string): TestRegion;
  link(from: string, to: string): Link;
  topology(vantage: string): Topology;
  /** Round trips through all links between two different regions so far. */
  crossRegionRoundTrips(): number;
  startWorker(region: string): Promise<RegionWorker>;
  startWorkers(): Promise<void>;
  /** Ends the workers; `resumeWorkers` starts others in their place. */
  pauseWorkers(): Promise<void>;
  resumeWorkers(): Promise<void>;
  /** @param settings of its topology that are other than the planet's */
  runtime(vantage: string, settings?: Pick<Topology, "quorumHedgeMs">): Runtime;
  /** Of the roles that workers reach other regions as, the spare region's too. */
  peerPasswords: PeerPasswords;
  /** From now on topologies have the spare region too. */
  includeSpare(): void;
  stop(): Promise<void>;
}

export interface TestPlanetOptions {
  count?: 1 | 2 | 3;
  /** Delays of the real distances on every link. */
  latency?: boolean;
  /** False: the degraded mode. */
  redis?: boolean;
  /** Another Redis than the one that all test files share. */
  redisUrl?: string;
  /** Clusters in place of those that all test files share. */
  clusters?: readonly TestCluster[];
  /** Real leases, with these settings in place of the defaults. */
  failover?: Partial<FailoverSettings>;
  /** What holds for entities that leave their topology or durability open. */
  defaults?: Partial<PolicyDefaults>;
  /** A further region, not in the topology at first, whose database is empty and not migrated. */
  spare?: string;
}

function through(url: string, proxy: LinkProxy): string {
  const changed = new URL(url);
  changed.host = `127.0.0.1:${proxy.port}`;
  return changed.href;
}

/** Regions with a link between each two of them, and the parts that run in them, in this process. */
export async function startTestPlanet(options: TestPlanetOptions = {}): Promise<TestPlanet> {
  const defaults = { ...testDefaults(), ...options.defaults };
  const stores = await createRegions({
    defaults,
    count: options.count ?? 3,
    clusters: options.clusters,
    realLeases: options.failover !== undefined,
  });
  const spare = options.spare === undefined ? null : await createSpare(options.spare);
  const regions = [...stores.regions, ...(spare ? [spare.region] : [])];
  const ids = stores.regions.map((region) => region.id as RegionId);
  const redisUrl = options.redis === false ? null : (options.redisUrl ?? stores.redisUrl);
  const { peerPassword } = testStores();
  const links = new Map<string, Link>();
  const endpoints = new Map<string, Endpoints>();
  const workers: { worker: RegionWorker; done: Promise<void> }[] = [];
  const runtimes: Runtime[] = [];
  // Its own: what another planet says on the same Redis is not believed.
  const replicationSecret = randomBytes(24).toString("hex");

  const openLink = async (target: URL, delayMs: number) => {
    const proxy = new LinkProxy({
      listenPort: 0,
      targetHost: "127.0.0.1",
      targetPort: Number(target.port),
      oneWayDelayMs: delayMs,
    });
    await proxy.start();
    return proxy;
  };
  for (const { id: from } of regions) {
    for (const to of regions) {
      const delayMs = options.latency ? oneWayDelayMs(from, to.id) : 0;
      const postgres = await openLink(new URL(to.directUrl), delayMs);
      const redis = redisUrl === null ? null : await openLink(new URL(redisUrl), delayMs);
      links.set(`${from} ${to.id}`, { postgres, redis });
      endpoints.set(`${from} ${to.id}`, {
        read: through(to.appUrl, postgres),
        write: through(to.appUrl, postgres),
        direct: through(to.directUrl, postgres),
        peer: through(
          from === to.id ? to.directUrl : asPeer(to.directUrl, from, peerPassword),
          postgres,
        ),
        redis: redis && redisUrl ? through(redisUrl, redis) : null,
      });
    }
  }

  const path = await openDatabasePath([...endpoints.values()].map(({ write }) => write));
  for (const [name, { read, write, ...rest }] of endpoints) {
    endpoints.set(name, { ...rest, read: path.through(read), write: path.through(write) });
  }

  const topology = (vantage: string): Topology => ({
    ...path.driver,
    regions: [...DEFAULT_REGIONS, ...(spare ? [spare.entry] : [])]
      .filter((region) => ids.includes(region.id as RegionId))
      .map((region) => ({ ...region, id: region.id as RegionId })),
    currentRegion: parseRegionIdOf(ids, vantage),
    sessionSecret: "session-secret-of-the-tests-0123456789",
    replicationSecret,
    failover: options.failover ? { ...DEFAULT_FAILOVER_SETTINGS, ...options.failover } : null,
    defaults,
    quorumHedgeMs: STANDARD_QUORUM_HEDGE_MS,
    residencies: parseResidencies(undefined, ids),
    addressSecret: "address-secret-of-the-tests-0123456789",
    endpoints: (from, to) => {
      const found = endpoints.get(`${from} ${to}`);
      if (!found) throw new Error(`No link from ${from} to ${to}`);
      return found;
    },
  });
  const link = (from: string, to: string) => {
    const found = links.get(`${from} ${to}`);
    if (!found) throw new Error(`No link from ${from} to ${to}`);
    return found;
  };
  const startWorker = async (region: string) => {
    const worker = new RegionWorker(
      topology(region),
      findRegion(topology(region), region as RegionId).id,
    );
    workers.push({ worker, done: worker.run() });
    return worker;
  };

  const startWorkers = async () => {
    for (const id of ids) await startWorker(id);
  };
  const pauseWorkers = async () => {
    await Promise.all(workers.map(({ worker }) => worker.stop()));
    await Promise.all(workers.splice(0).map(({ done }) => done));
  };

  return {
    regions: stores.regions,
    ids,
    region: (id) => {
      const found = regions.find((region) => region.id === id);
      if (!found) throw new Error(`No region ${id}`);
      return found;
    },
    link,
    topology,
    crossRegionRoundTrips: () =>
      [...links]
        .filter(([key]) => key.split(" ")[0] !== key.split(" ")[1])
        .reduce(
          (sum, [, { postgres, redis }]) =>
            sum + postgres.counters.roundTrips + (redis?.counters.roundTrips ?? 0),
          0,
        ),
    startWorker,
    startWorkers,
    pauseWorkers,
    resumeWorkers: startWorkers,
    peerPasswords: {
      ...testPeerPasswords(peerPassword),
      ...(spare ? { [spare.region.id]: peerPassword } : {}),
    },
    includeSpare: () => {
      if (spare) ids.push(spare.region.id as RegionId);
    },
    runtime: (vantage, settings) => {
      const runtime = new Runtime(() => ({ ...topology(vantage), ...settings }));
      runtimes.push(runtime);
      return runtime;
    },
    stop: async () => {
      await pauseWorkers();
      await Promise.all(runtimes.map((runtime) => runtime.close()));
      await path.close();
      await Promise.all(
        [...links.values()].flatMap(({ postgres, redis }) => [postgres.stop(), redis?.stop()]),
      );
      await spare?.drop();
      await stores.drop();
    },
  };
}

async function createSpare(id: string) {
  const [cluster] = testStores().clusters;
  if (!cluster) throw new Error("There is no cluster");
  const url = await createEmptyDatabase(cluster);
  const app = new URL(url);
  app.username = "meridian_app";
  app.password = testStores().appPassword;
  const pool = new Pool({ connectionString: url, application_name: "test", max: 10 });
  pool.on("error", () => undefined);
  const region: TestRegion = { id, url, directUrl: url, appUrl: app.href, pool };
  return {
    region,
    entry: {
      id,
      name: id,
      city: id,
      latitude: 45.84,
      longitude: -119.7,
      isPrimary: false,
      envKey: id.toUpperCase().replaceAll("-", "_"),
    },
    drop: async () => {
      await pool.end();
      const left = await dropDatabase(cluster.adminUrl, new URL(url).pathname.slice(1));
      if (left.length > 0) throw new Error(`Connections were left open:\n${left.join("\n")}`);
    },
  };
}

import type pg from "pg";
import { policiesUnder } from "@/lib/db/conflicts/policies";
import { checkQuorumSizes } from "@/lib/db/leaderless/quorum-sizes";
import type { RegionId } from "@/lib/db/regions/region-id";
import { distanceIn, regionIds, type Topology } from "@/lib/db/regions/topology";
import { within } from "@/lib/db/regions/faults";
import { getLogger } from "@/lib/log";
import { Backoff, type Service } from "@/lib/service";
import { ConfigurationError } from "@/lib/errors";
import { MetricSampler } from "@/lib/db/metrics/sampler";
import { LeadershipController, WARM_CONNECTIONS } from "@/lib/db/failover/controller";
import { Applier } from "./applier";
import { BusPublisher, BusSubscriber } from "./bus";
import { checkPolicies } from "./check-policies";
import { DeadLetterRetrier } from "./dead-letter-retrier";
import { OutboxTrimmer } from "./outbox-trimmer";
import { PeerObserver } from "./peer-observer";
import { PlacementKeeper } from "./placement-keeper";
import { Publisher } from "./publisher";
import { RepairChecker } from "./repair/check-service";
import { FormerIncarnations } from "./repair/former-incarnations";
import { Recovery } from "./repair/recovery";
import type { RepairRegion } from "./repair/snapshot";
import { RowSyncer } from "./row-syncer";
import { checkLocalStore, connectStore } from "./store";
import { TombstoneCollector } from "./tombstone-collector";

/** A peer that takes longer to say how it is counts as not reached. */
const PROBE_TIMEOUT_MS = 2_000;

/** A query that copies rows between regions may take so long. */
const COPY_TIMEOUT_MS = 600_000;

/** Longest wait for the peers before this region's events are told. */
const FIRST_LOOK_MS = 1_000;

/** Between two rounds of what a worker does every quarter of a minute, where it does not run for as long, in ms. */
const BRIEF_INTERVAL_MS = 1_000;

/** What an application adds to a region's worker, given the region's own database. */
export type RegionServices = (store: pg.Pool) => readonly Service[];

/**
 * Everything that runs beside one region's database: it publishes the region's events, applies
 * those of the others, and watches them all. A second worker of a region is harmless.
 */
export class RegionWorker implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();
  private readonly pools: pg.Pool[] = [];
  private services: Service[] = [];
  private bus: BusPublisher | undefined;

  constructor(
    private readonly topology: Topology,
    private readonly region: RegionId = topology.currentRegion,
    private readonly further: RegionServices = () => [],
    /** `brief`: it runs for some seconds, now and then. */
    private readonly mode: { brief?: boolean } = {},
  ) {
    this.name = `worker of ${region}`;
  }

  /** Waits for the region's database, then runs until `stop`. Throws ConfigurationError. */
  async run(): Promise<void> {
    const { topology, region } = this;
    const own = topology.endpoints(region, region);
    const local = this.open(own.direct, 6);
    await this.untilUsable(local);

    const bus = new BusPublisher(region, own.redis, local, topology.replicationSecret);
    this.bus = bus;
    const peers = new Map(
      regionIds(topology).map((id) => [
        id,
        this.open(topology.endpoints(region, id).peer, 2, PROBE_TIMEOUT_MS),
      ]),
    );
    const copying = {
      region,
      local: this.open(own.direct, 4, COPY_TIMEOUT_MS),
      peers: new Map(
        regionIds(topology).map((id) => [
          id,
          this.open(topology.endpoints(region, id).peer, 1, COPY_TIMEOUT_MS),
        ]),
      ),
    };
    const recovery = new Recovery(copying);
    const observer = new PeerObserver({
      region,
      local,
      peers,
      busMode: () => bus.mode,
      onRestored: () => recovery.notice(),
    });
    // A database restored from an old copy has to be noticed before its events are told.
    await within(FIRST_LOOK_MS, observer.observeOnce()).catch(() => undefined);
    const intervalMs = this.mode.brief ? BRIEF_INTERVAL_MS : undefined;
    this.services = [
      recovery,
      new FormerIncarnations(copying),
      new Publisher({
        region,
        directUrl: own.direct,
        redisUrl: own.redis,
        store: local,
        bus,
      }),
      observer,
      new OutboxTrimmer(local, intervalMs),
      new DeadLetterRetrier(local),
      new TombstoneCollector({ local, peers, intervalMs }),
      new RowSyncer({ region, local, peers }),
      new PlacementKeeper({ region, local, peers }),
      new RepairChecker({ local, regions: this.comparable() }),
      new MetricSampler(local),
      ...this.leadership(),
      ...this.further(local),
      ...regionIds(topology)
        .filter((id) => id !== region)
        .flatMap((id) => this.streamFrom(id, local)),
    ];
    getLogger("worker").info(
      { region, services: this.services.map(({ name }) => name) },
      "worker runs",
    );
    if (this.stopping.signal.aborted) return;
    await Promise.all(this.services.map((service) => service.run()));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.services.map((service) => service.stop()));
    this.bus?.close();
    await Promise.all(this.pools.map((pool) => pool.end().catch(() => undefined)));
  }

  /** All regions, on connections that are opened when somebody asks for a comparison. */
  private comparable(): RepairRegion[] {
    return regionIds(this.topology).map((id) => ({
      id,
      pool: this.open(this.topology.endpoints(this.region, id).peer, 2, COPY_TIMEOUT_MS),
    }));
  }

  /** On connections of its own: none of them waits for a stream or a copy. */
  private leadership(): Service[] {
    const { topology, region } = this;
    const settings = topology.failover;
    if (settings === null) return [];
    const pools = new Map(
      regionIds(topology).map((id) => [
        id,
        this.open(
          topology.endpoints(region, id).peer,
          WARM_CONNECTIONS + 1,
          settings.probeTimeoutMs,
          WARM_CONNECTIONS,
        ),
      ]),
    );
    return [
      new LeadershipController({ region, pools, settings, distanceMs: distanceIn(topology) }),
    ];
  }

  private streamFrom(origin: RegionId, local: pg.Pool): Service[] {
    const { topology, region } = this;
    const endpoints = topology.endpoints(region, origin);
    const applier = new Applier({
      origin,
      reader: region,
      target: local,
      source: this.open(endpoints.peer, 1),
      onApplied: (rows) => this.bus?.tellChanged(rows),
    });
    const subscriber = new BusSubscriber(
      { region: origin, redisUrl: endpoints.redis, listenUrl: endpoints.peer },
      topology.replicationSecret,
      { onMessage: (message) => applier.receive(message), onHint: () => applier.hint() },
    );
    return [applier, subscriber];
  }

  private open(url: string, max: number, queryTimeoutMs?: number, min?: number): pg.Pool {
    const pool = connectStore(url, { max, min, queryTimeoutMs });
    this.pools.push(pool);
    return pool;
  }

  private async untilUsable(local: pg.Pool): Promise<void> {
    const backoff = new Backoff({ minMs: 100, maxMs: 2_000 });
    while (!this.stopping.signal.aborted) {
      try {
        const { defaults, regions } = this.topology;
        checkQuorumSizes(policiesUnder(defaults), regions.length);
        await checkLocalStore(local, this.region);
        await checkPolicies(local, this.region, defaults);
        return;
      } catch (err) {
        if (err instanceof ConfigurationError) throw err;
        getLogger("worker").warn({ err, region: this.region }, "waiting for the region's database");
        await backoff.wait(this.stopping.signal);
      }
    }
  }
}

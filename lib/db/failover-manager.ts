import { systemSleep } from "@/lib/clock";
import type { FailoverPreview, OrderKind, PauseResult, StrandedRecord } from "@/lib/failover-shape";
import type { Service } from "@/lib/service";
import type { Attempt } from "./failover/attempt";
import { readJointHistory, readStranded, type Joint } from "./failover/joint-history";
import { orderFailover, type OrderOutcome } from "./failover/order";
import { setPause } from "./failover/pause";
import { previewFailover } from "./failover/preview";
import { queryableOf, type OperatorRegion } from "./failover/queryable";
import { DEFAULT_FAILOVER_SETTINGS } from "./failover/settings";
import type { RegionId } from "./regions/region-id";
import { defaultRuntime, type Runtime } from "./regions/runtime";
import { regionIds } from "./regions/topology";

export type { OrderOutcome } from "./failover/order";

/** How often a manager that was started asks every region, in ms. */
const WATCH_MS = 1_000;

/** An overview older than this says nothing of a lease any more, in ms. */
const VALID_MS = 3_000;

const MAX_HISTORY = 200;

/** What is known of a region's part in leadership, by its newest overview. */
export interface RegionLeadership {
  regionId: RegionId;
  healthy: boolean;
  /** The newest epoch that the region has heard of. */
  epoch: number | null;
  /** It had a valid lease when its overview was read, less than 3 s ago. */
  leading: boolean;
  /** What was left of it then. */
  leaseRemainingMs: number | null;
  /** Nothing is promoted by itself, as the region knows it. */
  paused: boolean;
}

export interface OrderOptions {
  /** Who asks: a user's id, for history and audit. */
  by?: string;
  /** Without it: switchover from a leader that has its lease, else failover. */
  kind?: OrderKind;
}

/**
 * Leadership as an operator sees and changes it, from any process and through the application's role. It
 * decides nothing and holds no lease: a request is carried out by the worker of the region that is to lead,
 * and goes on when this process ends.
 */
export class FailoverManager {
  private watch: { service: RegionWatch; done: Promise<void> } | undefined;
  private destroyed = false;

  /** Opens nothing and starts nothing. */
  constructor(
    private readonly runtime: () => Runtime = defaultRuntime,
    private readonly vantageId?: RegionId,
  ) {}

  /** The same regions as reached from another one. */
  from(vantage: RegionId): FailoverManager {
    return new FailoverManager(this.runtime, vantage);
  }

  /** Asks that `to` lead instead of `from`; refused as `leader-changed` if another region leads. */
  initiateFailover(
    from: string,
    to: string,
    reason: string,
    options: OrderOptions = {},
  ): Promise<OrderOutcome> {
    return this.order({ ...options, from, to, reason });
  }

  /** Asks that `to` lead, whoever leads now. */
  triggerManualFailover(
    to: string,
    reason: string,
    options: OrderOptions = {},
  ): Promise<OrderOutcome> {
    return this.order({ ...options, to, reason });
  }

  /** What it would cost to let `to` lead, or each region. An unknown region is no candidate. */
  async previewFailover(to?: string): Promise<FailoverPreview> {
    const preview = await previewFailover(this.regions(), this.settings);
    if (to === undefined) return preview;
    return { ...preview, candidates: preview.candidates.filter(({ regionId }) => regionId === to) };
  }

  /** As this process last heard; before that, the configured primary. Asks nobody. */
  getCurrentPrimary(): RegionId {
    return this.runtime().state.leader(this.vantage).region;
  }

  /** As this process last heard. Asks nobody, but has what has aged read anew for the next caller. */
  getAllRegionStatus(): Map<RegionId, RegionLeadership> {
    const { state, topology } = this.runtime();
    return new Map(
      regionIds(topology).map((regionId) => {
        const overview = state.latest(this.vantage, regionId);
        const ageMs = overview ? performance.now() - overview.readAtMs : Infinity;
        const healthy = state.isHealthy(this.vantage, regionId);
        // A replica knows what is left of the lease, and nothing of who may write.
        const held = (overview?.leading ?? overview?.leaseMs ?? null) !== null;
        const leading = healthy && held && ageMs < VALID_MS;
        return [
          regionId,
          {
            regionId,
            healthy,
            epoch: overview?.epoch ?? null,
            leading,
            leaseRemainingMs: leading ? (overview?.leaseMs ?? null) : null,
            paused: overview?.paused ?? false,
          },
        ];
      }),
    );
  }

  /** Newest first, as the regions that answer know it. */
  async getFailoverHistory(limit = 20): Promise<Attempt[]> {
    const count = Math.max(1, Math.min(MAX_HISTORY, Math.trunc(limit) || 1));
    return (await readJointHistory(this.regionsThatAnswer(), count)).items;
  }

  /** What former leaders wrote that the next one had not, and what became of it, newest first. */
  getStrandedWrites(limit = 50): Promise<Joint<StrandedRecord>> {
    return readStranded(this.regionsThatAnswer(), Math.max(1, Math.min(MAX_HISTORY, limit)));
  }

  async setPaused(paused: boolean, reason: string, by: string): Promise<PauseResult> {
    const { told, missed } = await setPause(this.regions(), { paused, reason, by });
    return { paused, told, missed };
  }

  /**
   * Keeps what is known of the regions fresh, so that `getCurrentPrimary` and `getAllRegionStatus` do not
   * lag behind a change until somebody asks. Nothing else needs it: requests refresh what they use.
   */
  start(): void {
    if (this.destroyed) throw new Error("This manager has been destroyed");
    if (this.watch) return;
    const service = new RegionWatch(this.runtime, () => this.vantage);
    this.watch = { service, done: service.run() };
  }

  /** Ends what `start` began; it may be started again. */
  async stop(): Promise<void> {
    const { watch } = this;
    this.watch = undefined;
    await watch?.service.stop();
    await watch?.done;
  }

  /** Stops for good. Connections are the runtime's, and stay. */
  async destroy(): Promise<void> {
    this.destroyed = true;
    await this.stop();
  }

  private get vantage(): RegionId {
    return this.vantageId ?? this.runtime().topology.currentRegion;
  }

  private get settings() {
    return this.runtime().topology.failover ?? DEFAULT_FAILOVER_SETTINGS;
  }

  private order(order: OrderOptions & { to: string; reason: string; from?: string }) {
    return orderFailover(this.regions(), this.settings, { by: "the application", ...order });
  }

  private regions(): OperatorRegion[] {
    const { topology, clients } = this.runtime();
    return regionIds(topology).map((id) => ({
      id,
      // Opened when it is asked something.
      db: {
        query: (text, values) => queryableOf(clients.write(this.vantage, id)).query(text, values),
      },
    }));
  }

  /** Polled lists wait for no region that is known to be down. */
  private regionsThatAnswer(): OperatorRegion[] {
    const { state } = this.runtime();
    return this.regions().filter(({ id }) => state.isHealthy(this.vantage, id));
  }
}

class RegionWatch implements Service {
  readonly name = "watch of the regions";
  private readonly stopping = new AbortController();

  constructor(
    private readonly runtime: () => Runtime,
    private readonly vantage: () => RegionId,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const { state, topology } = this.runtime();
      const asked = regionIds(topology).map((id) => state.refresh(this.vantage(), id));
      // What fails is noted in the state; a region that hangs is waited for until its own timeout.
      await Promise.allSettled(asked);
      await systemSleep(WATCH_MS, signal);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }
}

export const failoverManager = new FailoverManager();

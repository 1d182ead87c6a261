import { randomUUID } from "node:crypto";
import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import { getLogger } from "@/lib/log";
import { Wakeup, type Service } from "@/lib/service";
import { keepWarm } from "./keep-warm";
import { LeadershipLoop } from "./leadership-loop";
import { PgAttemptHistory } from "./pg-attempt-history";
import { PgRegionControl } from "./pg-region-control";
import type { FailoverSettings } from "./settings";
import { StrandedWrites } from "./stranded-writes";

/** To each region: probes take one, and what an attempt to lead asks at the same time takes others. */
export const WARM_CONNECTIONS = 3;

export interface ControllerOptions {
  region: RegionId;
  /** Every region by id, this one as the owner, with a `min`. `query_timeout` bounds a probe. */
  pools: ReadonlyMap<RegionId, pg.Pool>;
  settings: FailoverSettings;
  distanceMs: (from: RegionId, to: RegionId) => number;
  random?: () => number;
  /** Connections to each region that are kept open. */
  warm?: number;
}

/**
 * Probes all regions, keeps the leader's lease alive, and makes this region the leader when nobody else
 * leads and a majority agrees, or when it is asked to. A second controller of a region is harmless.
 */
export class LeadershipController implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();
  private readonly loop: LeadershipLoop;
  private readonly history: PgAttemptHistory;

  constructor({
    region,
    pools,
    settings,
    distanceMs,
    random = Math.random,
    warm = WARM_CONNECTIONS,
  }: ControllerOptions) {
    this.name = `leadership controller of ${region}`;
    const history = (this.history = new PgAttemptHistory(region, pools));
    const stranded = new StrandedWrites(region, pools);
    this.loop = new LeadershipLoop({
      region,
      controls: new Map([...pools].map(([id, pool]) => [id, new PgRegionControl(id, pool)])),
      settings,
      distanceMs,
      history,
      nowMs: () => performance.now(),
      sleep: systemSleep,
      random,
      newId: randomUUID,
      log: getLogger("leadership"),
      wakeup: new Wakeup(),
      onSample: (sampled, views, wasAway) => {
        const pool = pools.get(sampled);
        if (pool) keepWarm(pool, warm);
        stranded.notice(views);
        history.notice(sampled, views, wasAway);
      },
    });
  }

  async run(): Promise<void> {
    await this.loop.run(this.stopping.signal);
    await this.history.settled();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }
}

import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";
import { listOpenOrders } from "./order-statements";
import { OrderDesk } from "./orders";

/** Then the attempt that recorded an order has ended, one way or another: it waits for 3 steps of at most 8 s. */
const OLDER_THAN_MS = 25_000;

/** Orders of one look. The next one comes soon. */
const BATCH = 20;

/**
 * Goes on with orders that nobody has finished: a process died between two steps, or a region did not answer. Runs
 * in each region and works in the one that leads. Two at once, or beside a buyer's retry, are harmless.
 */
export class OrderSettler implements Service {
  readonly name = "order settler";
  private readonly stopping = new AbortController();
  private readonly desk: OrderDesk;

  constructor(
    private readonly region: RegionId,
    private readonly store: pg.Pool,
    private readonly runtime: () => Runtime,
    private readonly options: { intervalMs?: number; olderThanMs?: number } = {},
  ) {
    this.desk = new OrderDesk(runtime);
  }

  async run(): Promise<void> {
    const { signal } = this.stopping;
    const { intervalMs = 5_000 } = this.options;
    while (!signal.aborted) {
      await this.settle().catch((err: unknown) => {
        getLogger("orders").warn({ err }, "open orders not settled");
      });
      await systemSleep(intervalMs, signal);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Number of orders that are settled now: placed, or refused for good. */
  async settle(): Promise<number> {
    const { rows } = await this.store.query<{ leads: boolean }>(
      "SELECT mr.leading() IS NOT NULL AS leads",
    );
    if (!rows[0]?.leads) return 0;
    const db = new MultiRegionDb(this.runtime, this.region).getWriteClient(this.region);
    const { olderThanMs = OLDER_THAN_MS } = this.options;
    const open = await listOpenOrders(db, { olderThanMs, limit: BATCH });
    let settled = 0;
    for (const order of open) {
      if (this.stopping.signal.aborted) break;
      const { kind } = await this.desk.goOn(this.region, order);
      if (kind !== "indeterminate" && kind !== "unavailable") settled += 1;
    }
    return settled;
  }
}

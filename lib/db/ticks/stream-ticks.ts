import type pg from "pg";
import type { RegionId } from "@/lib/db/regions/region-id";
import { regionIds, type Topology } from "@/lib/db/regions/topology";
import { Applier } from "@/lib/db/replication/applier";
import { connectStore } from "@/lib/db/replication/store";
import { getLogger } from "@/lib/log";

/** To one endpoint, for all streams of a process: there may be many of these, and they are the owner's. */
const CONNECTIONS = 2;

interface Carrying {
  done: Promise<void>;
  /** For those who asked while it was under way: it may have read before their writes. */
  next: Promise<void> | null;
}

/** The streams between regions, as a process moves them that does not live long: when it is told to. */
export class StreamTicks {
  private readonly pools = new Map<string, pg.Pool>();
  private readonly appliers = new Map<string, Applier>();
  private readonly carrying = new Map<string, Carrying>();

  constructor(private readonly topology: () => Topology) {}

  /**
   * Applies in all other regions what a region has written by now. Regions that can't be reached get it later: from
   * the next tick, or from a worker. Harmless beside others of its kind and beside workers. Never rejects.
   */
  carry(vantage: RegionId, origin: RegionId): Promise<void> {
    const key = `${vantage} ${origin}`;
    const now = this.carrying.get(key);
    if (now) return (now.next ??= now.done.then(() => this.begin(key, vantage, origin)));
    return this.begin(key, vantage, origin);
  }

  private begin(key: string, vantage: RegionId, origin: RegionId): Promise<void> {
    const others = regionIds(this.topology()).filter((id) => id !== origin);
    const done = Promise.all(
      others.map(async (target) => {
        try {
          await this.applier(vantage, origin, target).catchUp();
        } catch (err) {
          getLogger("ticks").debug({ err, origin, target }, "stream not moved");
        }
      }),
    ).then(() => {
      // What comes next takes this one's place: an applier makes one call at a time.
      if (mine.next === null) this.carrying.delete(key);
    });
    const mine: Carrying = { done, next: null };
    this.carrying.set(key, mine);
    return done;
  }

  private applier(vantage: RegionId, origin: RegionId, target: RegionId): Applier {
    const key = `${vantage} ${origin} ${target}`;
    let applier = this.appliers.get(key);
    if (!applier) {
      applier = new Applier({
        origin,
        reader: target,
        target: this.pool(vantage, target),
        source: this.pool(vantage, origin),
      });
      this.appliers.set(key, applier);
    }
    return applier;
  }

  private pool(vantage: RegionId, region: RegionId): pg.Pool {
    const { direct } = this.topology().endpoints(vantage, region);
    let pool = this.pools.get(direct);
    if (!pool) {
      pool = connectStore(direct, { max: CONNECTIONS });
      // Each stream that has its source there listens.
      pool.setMaxListeners(0);
      this.pools.set(direct, pool);
    }
    return pool;
  }

  async close(): Promise<void> {
    await Promise.all([...this.carrying.values()].map(({ done, next }) => next ?? done));
    const open = [...this.pools.values()];
    this.pools.clear();
    this.appliers.clear();
    await Promise.all(open.map((pool) => pool.end().catch(() => undefined)));
  }
}

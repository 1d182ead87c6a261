import { changedChannel } from "@/lib/db/replication/bus";
import { connectSubscriber } from "@/lib/db/redis";
import { isUnreachable, within } from "@/lib/db/regions/faults";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import type { Db } from "./statements";

/**
 * For how long a look at a region's own rows counts, in ms. With the time that a look and a page take it is what a
 * page may be late after the region has applied a change, should no message come: less than a second.
 */
export const LOOK_MS = 400;

/** A region that takes longer is passed over. */
const ANSWER_MS = 2_000;

/** What is kept of looks; slugs come from anybody. */
const MAX_LOOKS = 2_000;

/** Of these a look depends. */
const ENTITIES = ["ContentItem", "Placement"];

interface Look<T> {
  value: T;
  /** Monotonic, when the region was asked. */
  askedAtMs: number;
  /** Date.now() of that moment, to be shown. */
  askedAt: number;
}

export interface Seen<T> {
  value: T;
  lookedAt: number;
  /** False where the region does not answer any more, and this is the last that it said. */
  current: boolean;
}

/**
 * What regions say of what is public there. Each look reads the region's own rows; a message that something has
 * changed there only makes the next look be made at once, whatever it says.
 */
export class RegionLooks {
  private readonly looks = new Map<string, Look<unknown>>();
  private readonly pending = new Map<string, Promise<Look<unknown>>>();
  /** Monotonic, when something was last said to have changed in a region. */
  private readonly hintedAtMs = new Map<RegionId, number>();
  private readonly subscribers = new Map<RegionId, ReturnType<typeof connectSubscriber>>();

  constructor(
    private readonly runtime: () => Runtime,
    private readonly lookMs = LOOK_MS,
  ) {}

  /** Something may have changed in a region: what was seen there before counts no more. */
  hint(region: RegionId): void {
    this.hintedAtMs.set(region, performance.now());
  }

  /**
   * What a region says, at most `lookMs` old. Throws where it has never been seen and does not answer.
   *
   * @param key what is asked for; the same for the same question
   */
  async at<T>(
    vantage: RegionId,
    region: RegionId,
    key: string,
    ask: (db: Db) => Promise<T>,
  ): Promise<Seen<T>> {
    this.listen(vantage, region);
    const name = `${vantage} ${region} ${key}`;
    const known = this.looks.get(name) as Look<T> | undefined;
    const now = performance.now();
    const hintedAtMs = this.hintedAtMs.get(region) ?? -Infinity;
    if (known && now - known.askedAtMs < this.lookMs && known.askedAtMs > hintedAtMs) {
      return { value: known.value, lookedAt: known.askedAt, current: true };
    }
    try {
      const look = await this.look(vantage, region, name, hintedAtMs, ask);
      return { value: look.value, lookedAt: look.askedAt, current: true };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      this.runtime().state.markDown(vantage, region);
      if (!known) throw error;
      return { value: known.value, lookedAt: known.askedAt, current: false };
    }
  }

  /** Ends the subscriptions. */
  close(): void {
    for (const redis of this.subscribers.values()) redis.disconnect();
    this.subscribers.clear();
  }

  /** One look for all who ask meanwhile, but for those who heard of a change after it began. */
  private look<T>(
    vantage: RegionId,
    region: RegionId,
    name: string,
    hintedAtMs: number,
    ask: (db: Db) => Promise<T>,
  ): Promise<Look<T>> {
    const key = `${name} ${hintedAtMs}`;
    const running = this.pending.get(key) as Promise<Look<T>> | undefined;
    if (running) return running;
    const askedAtMs = performance.now();
    const askedAt = Date.now();
    const db = new MultiRegionDb(this.runtime, vantage).getReadClient(region);
    const started = within(ANSWER_MS, ask(db)).then((value): Look<T> => {
      const look = { value, askedAtMs, askedAt };
      const kept = this.looks.get(name);
      // Another one began later and has ended already.
      if (!kept || kept.askedAtMs <= askedAtMs) this.keep(name, look);
      return look;
    });
    this.pending.set(key, started);
    const done = () => void this.pending.delete(key);
    started.then(done, done);
    return started;
  }

  private keep(name: string, look: Look<unknown>): void {
    this.looks.delete(name);
    this.looks.set(name, look);
    for (const oldest of this.looks.keys()) {
      if (this.looks.size <= MAX_LOOKS) break;
      this.looks.delete(oldest);
    }
  }

  /** One subscription per region, from when it is first read from. */
  private listen(vantage: RegionId, region: RegionId): void {
    if (this.subscribers.has(region)) return;
    const { redis: url } = this.runtime().topology.endpoints(vantage, region);
    if (url === null) return;
    const redis = connectSubscriber(url, changedChannel(region));
    redis.on("message", (_channel: string, names: string) => {
      if (names.split(",").some((name) => ENTITIES.includes(name))) this.hint(region);
    });
    // What was said while the connection was down is gone.
    redis.on("ready", () => this.hint(region));
    this.subscribers.set(region, redis);
  }
}

import { Redis, ReplyError, type ChainableCommander, type RedisOptions } from "ioredis";
import { getLogger } from "@/lib/log";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Topology } from "@/lib/db/regions/topology";

/** How long a command may take before it counts as failed: Redis only ever saves time. */
const COMMAND_TIMEOUT_MS = 500;

/** After a failure Redis is left alone this long, so that its loss does not slow each request. */
const REST_AFTER_FAILURE_MS = 2_000;

function connectRedis(url: string, options: RedisOptions): Redis {
  const redis = new Redis(url, {
    ...options,
    lazyConnect: true,
    connectTimeout: 2_000,
    keepAlive: 5_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
  });
  // Without a listener ioredis prints every reconnection attempt.
  redis.on("error", (err) => getLogger("redis").debug({ err }, "redis unavailable"));
  return redis;
}

/**
 * A connection of its own that is subscribed to `channel` whenever Redis can be reached. Subscribing
 * anew is not left to ioredis: nobody would catch its failure, and that would end the process.
 * `disconnect` ends it; whatever is published while it reconnects is lost.
 */
export function connectSubscriber(url: string, channel: string): Redis {
  const redis = connectRedis(url, { maxRetriesPerRequest: null, autoResubscribe: false });
  redis.on("ready", () => {
    redis
      .subscribe(channel)
      .catch((err: unknown) => getLogger("redis").debug({ err, channel }, "not subscribed"));
  });
  redis.connect().catch((err: unknown) => getLogger("redis").debug({ err }, "not connected yet"));
  return redis;
}

/**
 * The Redis of one region as seen from one vantage. `attempt` never throws and never waits long:
 * it answers undefined while Redis is away.
 */
export class OptionalRedis {
  private client: Redis | undefined;
  private restUntilMs = 0;
  private isClosed = false;

  constructor(private readonly url: string | null) {}

  get configured(): boolean {
    return this.url !== null;
  }

  async attempt<T>(command: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    if (this.url === null || this.isClosed || performance.now() < this.restUntilMs)
      return undefined;
    this.client ??= connectRedis(this.url, {
      maxRetriesPerRequest: 1,
      commandTimeout: COMMAND_TIMEOUT_MS,
    });
    try {
      return await command(this.client);
    } catch (err) {
      this.restUntilMs = performance.now() + REST_AFTER_FAILURE_MS;
      getLogger("redis").debug({ err }, "redis command failed");
      // The connection may be dead without having been closed: the next attempt takes a new one.
      if (err instanceof Error && /timed out/i.test(err.message)) this.client?.disconnect(true);
      return undefined;
    }
  }

  /**
   * Several commands in one trip. Each answer for itself: undefined where Redis refuses that command. A pipeline fails for no
   * command of its own; here one that is not answered is a failure as in `attempt`, so that Redis is left alone for a while.
   */
  async attemptAll(
    commands: (pipeline: ChainableCommander) => ChainableCommander,
  ): Promise<unknown[] | undefined> {
    return this.attempt(async (client) => {
      const replies = (await commands(client.pipeline()).exec()) ?? [];
      return replies.map(([error, reply]) => {
        if (error && !(error instanceof ReplyError)) throw error;
        return error ? undefined : reply;
      });
    });
  }

  /** For good: a late question would open a connection that nobody closes, and keep the process from ending. */
  close(): void {
    this.isClosed = true;
    this.client?.disconnect();
    this.client = undefined;
  }
}

/** One OptionalRedis per endpoint. */
export class RedisCache {
  private readonly byUrl = new Map<string | null, OptionalRedis>();
  private isClosed = false;

  constructor(private readonly topology: () => Topology) {}

  of(vantage: RegionId, region: RegionId): OptionalRedis {
    const { redis: url } = this.topology().endpoints(vantage, region);
    let redis = this.byUrl.get(url);
    if (!redis) this.byUrl.set(url, (redis = new OptionalRedis(this.isClosed ? null : url)));
    return redis;
  }

  close(): void {
    this.isClosed = true;
    for (const redis of this.byUrl.values()) redis.close();
  }
}

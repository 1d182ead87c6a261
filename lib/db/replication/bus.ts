import pg from "pg";
import type { Redis } from "ioredis";
import { connectSubscriber, OptionalRedis, type RedisCache } from "@/lib/db/redis";
import type { RegionId } from "@/lib/db/regions/region-id";
import { getLogger } from "@/lib/log";
import { Backoff, type Service } from "@/lib/service";
import { systemSleep } from "@/lib/clock";
import { currentTraceparent } from "@/lib/telemetry/traces";
import { keptKey } from "@/lib/db/sessions/kept-answers";
import {
  decodeMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  toHint,
  type BusMessage,
  type EntityRows,
} from "./batch";
import { changedRows } from "./changed-rows";
import { toWake } from "./traced-writes";

// Every message is a hint: a bus may lose, repeat, delay or invent them. Positions and the outbox
// decide what is applied.

export function batchChannel(region: RegionId): string {
  return `mr:batch:${region}`;
}

/** Names of the signals that say "the outbox has something new", sent by whoever committed it. */
export function wakeChannel(region: RegionId): string {
  return `mr:wake:${region}`;
}

/**
 * Never throws; answers late, or to no avail, while Redis is away.
 *
 * @param position of what was committed: the trace that it was made in goes with it
 */
export async function wakePublisher(
  redis: RedisCache,
  vantage: RegionId,
  region: RegionId,
  position?: bigint,
): Promise<void> {
  const text = toWake(position, currentTraceparent());
  await redis.of(vantage, region).attempt((client) => client.publish(wakeChannel(region), text));
}

/**
 * Names of the signals that say "this region's rows of these entities have changed", sent by its worker once they
 * are committed: names with commas between them. For whoever keeps something of a row, as a reason to look at it.
 */
export function changedChannel(region: RegionId): string {
  return `mr:changed:${region}`;
}

/** PostgreSQL channel on which a publisher without Redis tells appliers to pull. */
export const NOTIFY_CHANNEL = "mr_hint";

/** How a region's events are announced: pushed through Redis, or by NOTIFY alone. */
export type BusMode = "redis" | "degraded";

/** The sending side, at the origin. */
export class BusPublisher {
  private readonly redis: OptionalRedis;

  constructor(
    private readonly region: RegionId,
    redisUrl: string | null,
    private readonly store: pg.Pool,
    private readonly secret: string,
  ) {
    this.redis = new OptionalRedis(redisUrl);
  }

  /** Which way the last message went. */
  mode: BusMode = "degraded";

  /** These rows were committed here: what is kept of them is dropped. Not waited for, and lost without Redis. */
  tellChanged(parts: readonly EntityRows[]): void {
    if (parts.length === 0) return;
    const names = [...new Set(parts.map(({ entity }) => entity))].join(",");
    const kept = changedRows(parts).map(({ entity, id }) => keptKey(this.region, entity, id));
    void this.redis.attemptAll((pipeline) => {
      pipeline.publish(changedChannel(this.region), names);
      return kept.length > 0 ? pipeline.unlink(...kept) : pipeline;
    });
  }

  /** Never throws: appliers find out by themselves what they were not told. */
  async publish(message: BusMessage): Promise<void> {
    if (message.kind === "batch") this.tellChanged(message.batch.rows);
    const bytes = this.fit(message);
    const published = await this.redis.attempt((client) =>
      client.publish(batchChannel(this.region), bytes),
    );
    this.mode = published === undefined ? "degraded" : "redis";
    if (this.mode === "redis" || message.kind === "heartbeat") return;
    // In a transaction of its own, after the commit: NOTIFY inside of writers' transactions makes
    // their commits wait for each other.
    await this.store
      .query("SELECT pg_notify($1, '')", [NOTIFY_CHANNEL])
      .catch((err: unknown) => getLogger("bus").debug({ err }, "notify failed"));
  }

  private fit(message: BusMessage): Buffer {
    const bytes = encodeMessage(this.secret, message);
    if (message.kind !== "batch" || bytes.length <= MAX_MESSAGE_BYTES) return bytes;
    return encodeMessage(this.secret, toHint(message.batch));
  }

  close(): void {
    this.redis.close();
  }
}

export interface BusHandlers {
  onMessage(message: BusMessage): void;
  /** Something happened at the origin, or may have: look. */
  onHint(): void;
}

/** A publisher sends a heartbeat every half second: after this long without one, subscribe anew. */
const SILENCE_MS = 5_000;

/** The receiving side: one subscription to one origin, by Redis and by LISTEN. */
export class BusSubscriber implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();
  private redis: Redis | undefined;
  private listener: pg.Client | undefined;

  constructor(
    private readonly origin: { region: RegionId; redisUrl: string | null; listenUrl: string },
    private readonly secret: string,
    private readonly handlers: BusHandlers,
  ) {
    this.name = `bus of ${origin.region}`;
  }

  async run(): Promise<void> {
    await Promise.all([this.subscribe(), this.listen()]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.redis?.disconnect();
    await this.listener?.end().catch(() => undefined);
  }

  private async subscribe(): Promise<void> {
    const { redisUrl, region } = this.origin;
    if (redisUrl === null || this.stopping.signal.aborted) return;
    const redis = connectSubscriber(redisUrl, batchChannel(region));
    this.redis = redis;
    let heardAtMs = performance.now();
    redis.on("messageBuffer", (_channel: Buffer, bytes: Buffer) => {
      heardAtMs = performance.now();
      const message = decodeMessage(this.secret, bytes);
      if (message === null) {
        getLogger("bus").warn({ origin: region, bytes: bytes.length }, "message refused");
        return;
      }
      this.handlers.onMessage(message);
    });
    // Whatever was published while the connection was down is gone: pull.
    redis.on("ready", () => this.handlers.onHint());
    // A subscriber sends nothing, so it never learns by itself that its connection is dead.
    while (!this.stopping.signal.aborted) {
      await systemSleep(1_000, this.stopping.signal);
      if (redis.status !== "ready" || performance.now() - heardAtMs < SILENCE_MS) continue;
      heardAtMs = performance.now();
      redis.disconnect(true);
    }
  }

  private async listen(): Promise<void> {
    const { signal } = this.stopping;
    const backoff = new Backoff({ minMs: 100, maxMs: 2_000 });
    while (!signal.aborted) {
      const client = new pg.Client({
        connectionString: this.origin.listenUrl,
        connectionTimeoutMillis: 3_000,
        query_timeout: 5_000,
        keepAlive: true,
        application_name: "meridian-listener",
      });
      const lost = new AbortController();
      const onEnd = () => lost.abort();
      // Not once: pg reports a reset, and then the end that follows from it.
      client.on("error", onEnd);
      client.once("end", onEnd);
      signal.addEventListener("abort", onEnd, { once: true });
      try {
        await client.connect();
        this.listener = client;
        client.on("notification", () => this.handlers.onHint());
        await client.query(`LISTEN ${NOTIFY_CHANNEL}`);
        this.handlers.onHint();
        backoff.reset();
        await this.watch(client, lost.signal);
      } catch (err) {
        getLogger("bus").debug({ err, origin: this.origin.region }, "listen failed");
      }
      signal.removeEventListener("abort", onEnd);
      await client.end().catch(() => undefined);
      await backoff.wait(signal);
    }
  }

  /** Returns when the connection has ended. Throws when it does not answer any more. */
  private async watch(client: pg.Client, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await systemSleep(10_000, ended);
      if (!ended.aborted) await client.query("SELECT 1");
    }
  }
}

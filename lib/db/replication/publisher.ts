import pg from "pg";
import { connectSubscriber } from "@/lib/db/redis";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { toPosition, type Position } from "@/lib/db/sessions/positions";
import { systemSleep } from "@/lib/clock";
import { failpoint } from "@/lib/failpoints";
import { getLogger } from "@/lib/log";
import { Backoff, Wakeup, type Service } from "@/lib/service";
import { BATCH_EVENTS, MAX_MESSAGE_BYTES, toHint } from "./batch";
import { wakeChannel, type BusPublisher } from "./bus";
import { endSilentHolder } from "./silent-holder";
import { EVERYBODY, readOutboxWithin } from "./store";
import { fromWake, TracedWrites } from "./traced-writes";

export interface PublisherOptions {
  region: RegionId;
  directUrl: string;
  redisUrl: string | null;
  store: pg.Pool;
  bus: BusPublisher;
  /** Longest pause between looks at an outbox that nobody said is new, in ms. */
  idlePollMs?: number;
  heartbeatMs?: number;
}

/** Advisory lock that makes one publisher per region; losing it only costs duplicates. */
const PUBLISHER_LOCK = 72_707_370;

/** How often the holder of the lock gives a sign of life. */
const LOCK_SIGN_MS = 2_000;

/** How long the connection that holds the lock may take to say good-bye. */
const LOCK_END_MS = 1_000;

/** Between two looks while there is work, when the last one found many events. */
const MAX_LINGER_MS = 50;

/** At and above this many events in one look the publisher lingers the longest. */
const LINGER_FULL_EVENTS = 250;

/**
 * Pause before the next look, after one that found `events`: none at a low rate, where it would be
 * lag, up to MAX_LINGER_MS under load, where larger batches cost less, and none where the look took
 * as many as it may: those that it left are a batch already.
 */
export function lingerMs(events: number): number {
  if (events <= 4 || events >= BATCH_EVENTS) return 0;
  return Math.min(MAX_LINGER_MS, (MAX_LINGER_MS * events) / LINGER_FULL_EVENTS);
}

/** Reads a region's outbox in order and publishes it, as the only one of the region. */
export class Publisher implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();
  private readonly wakeup = new Wakeup();
  private readonly traces = new TracedWrites();

  constructor(private readonly options: PublisherOptions) {
    this.name = `publisher of ${options.region}`;
  }

  async run(): Promise<void> {
    const { signal } = this.stopping;
    const unsubscribe = this.subscribeToWakes();
    const backoff = new Backoff({ minMs: 100, maxMs: 2_000 });
    while (!signal.aborted) {
      const lock = new pg.Client({
        connectionString: this.options.directUrl,
        connectionTimeoutMillis: 3_000,
        query_timeout: 5_000,
        keepAlive: true,
        application_name: "meridian-publisher",
      });
      const lost = new AbortController();
      const onLost = () => lost.abort();
      // Not once: pg reports a reset, and then the end that follows from it.
      lock.on("error", onLost);
      lock.once("end", onLost);
      signal.addEventListener("abort", onLost, { once: true });
      try {
        await lock.connect();
        const { rows } = await lock.query<{ held: boolean }>(
          "SELECT pg_try_advisory_lock($1) AS held",
          [PUBLISHER_LOCK],
        );
        if (rows[0]?.held) {
          backoff.reset();
          const watched = this.watch(lock, lost)
            .catch((err: unknown) => getLogger("publisher").warn({ err }, "lock connection lost"))
            .finally(onLost);
          await this.publishUntil(lost.signal).finally(onLost);
          await watched;
        } else {
          await endSilentHolder(lock, PUBLISHER_LOCK);
        }
      } catch (err) {
        getLogger("publisher").warn({ err, region: this.options.region }, "publisher interrupted");
      } finally {
        signal.removeEventListener("abort", onLost);
        // A connection that nobody answers on would take a quarter of an hour to end.
        await within(LOCK_END_MS, lock.end()).catch(() => undefined);
      }
      await backoff.wait(signal);
    }
    unsubscribe();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  private subscribeToWakes(): () => void {
    if (this.options.redisUrl === null) return () => undefined;
    const redis = connectSubscriber(this.options.redisUrl, wakeChannel(this.options.region));
    redis.on("message", (_channel, text) => {
      const write = fromWake(text);
      if (write) this.traces.note(write);
      this.wakeup.wake();
    });
    return () => redis.disconnect();
  }

  /** Shows, to the server as to itself, that the connection with the lock is alive. */
  private async watch(lock: pg.Client, lost: AbortController): Promise<void> {
    while (!lost.signal.aborted) {
      await systemSleep(LOCK_SIGN_MS, lost.signal);
      if (!lost.signal.aborted) await lock.query("SELECT 1");
    }
  }

  /** Starts at the present: appliers that are behind see the gap and pull what lies before. */
  private async publishUntil(signal: AbortSignal): Promise<void> {
    const { store, bus, idlePollMs = 100, heartbeatMs = 500 } = this.options;
    let published = await this.lastEventBelowHorizon();
    let heartbeatAtMs = 0;
    let pauseMs = 0;
    while (!signal.aborted) {
      const { batch, events, tooLarge, withheld } = await readOutboxWithin(
        store,
        EVERYBODY,
        published,
        BATCH_EVENTS,
        { maxBytes: MAX_MESSAGE_BYTES },
      );
      if (events > 0 || withheld) {
        failpoint("publisher:read");
        // Whoever may have what is withheld pulls it; a batch without it would be taken for all.
        const traces = this.traces.take(published, batch.upto);
        await bus.publish(
          tooLarge || withheld ? toHint(batch) : { kind: "batch", batch: { ...batch, traces } },
        );
        failpoint("publisher:published");
        published = batch.upto;
        heartbeatAtMs = performance.now();
        pauseMs = 0;
        const pause = lingerMs(events);
        if (pause > 0) await systemSleep(pause, signal);
        continue;
      }
      if (batch.complete && performance.now() - heartbeatAtMs >= heartbeatMs) {
        const { actor, sourceTime } = batch;
        await bus.publish({ kind: "heartbeat", actor, upto: published, sourceTime });
        heartbeatAtMs = performance.now();
      }
      pauseMs = Math.min(idlePollMs, Math.max(2, pauseMs * 2));
      if (await this.wakeup.wait(pauseMs, signal)) pauseMs = 0;
    }
  }

  private async lastEventBelowHorizon(): Promise<Position> {
    const { rows } = await this.options.store.query<{ last: string }>(
      // An outbox that has been emptied ends where it was trimmed.
      `SELECT greatest(least(mr.horizon() - 1, mr.last_event()), t.position)::text AS last
       FROM mr.trimmed t`,
    );
    return toPosition(rows[0]?.last ?? "0");
  }
}

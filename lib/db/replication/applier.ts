import type pg from "pg";
import { errorMessage } from "@/lib/errors";
import { isUnreachable, sqlState } from "@/lib/db/regions/faults";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position } from "@/lib/db/sessions/positions";
import { systemClock, systemSleep } from "@/lib/clock";
import { failpoint } from "@/lib/failpoints";
import { getLogger } from "@/lib/log";
import { Backoff, Wakeup, type Service } from "@/lib/service";
import { traceApart } from "@/lib/telemetry/traces";
import {
  BATCH_EVENTS,
  countEvents,
  sizeOf,
  type Batch,
  type BusMessage,
  type EntityRows,
} from "./batch";
import { PushedBatches } from "./pushed-batches";
import { applyOrPark, isPoison } from "./dead-letters";
import { identifySource, RestoredSourceError } from "./repair/source-identity";
import {
  readCursor,
  readEntityTypes,
  readOutbox,
  recordStall,
  touchCursor,
  type ApplyOutcome,
} from "./store";

export interface ApplierOptions {
  /** Whose events. */
  origin: RegionId;
  /** The target's region: the source leaves out what must not be there. */
  reader: RegionId;
  /** Where they are applied. */
  target: pg.Pool;
  /** Where they come from, for what was not pushed. */
  source: pg.Pool;
  /** Longest time without a look at the source when nothing is heard from it, in ms. */
  silencePollMs?: number;
  /** After the commit that applied these rows. Must not throw. */
  onApplied?: (rows: readonly EntityRows[]) => void;
}

/**
 * Bytes that a pull aims at; its number of events per entity follows from their size. One is under way for a round trip, and
 * the next waits for it: over 220 ms that is 18,000 events a second of 450 bytes.
 */
const PULL_TARGET_BYTES = 2 * 1024 * 1024;
const PULL_EVENTS = { first: 200, min: 10, max: 5 * BATCH_EVENTS };

/**
 * Time that a pull may take. A transaction is read whole, however large: after one that took too
 * long the next may take twice as long.
 */
const PULL_TIMEOUT_MS = { first: 15_000, max: 60_000 };

/** How often the time of the last heartbeat is stored while nothing else is. */
const TOUCH_EVERY_MS = 500;

/** Between two attempts of a stream that stands still. */
const STALLED_PAUSE_MS = 250;

/** The message of pg's own time-out, which has no code. */
const QUERY_TIMED_OUT = "Query read timeout";

/** What mr.read_outbox answers a reader whose next events have been dropped. */
const TRIMMED = "MR010";

/** What it answers everyone while its database is older than what the peers have of it. */
const RESTORED = "MR011";

/** Applies one origin's events to one region, in order, exactly once. */
export class Applier implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();
  private readonly wakeup = new Wakeup();
  private readonly pushed = new PushedBatches();
  private pullWanted = true;
  private heartbeat: { actor: Actor; upto: Position; sourceTime: string } | null = null;
  private types: ReadonlyMap<string, number> = new Map();
  private cursor: { actor: Actor; position: Position } | null = null;
  /** Connections to the source so far, and on which of them it was last asked who it is. */
  private connections = 0;
  private identifiedOn = -1;
  /** Null until this run knows: a former one may have left its stall behind. */
  private stalled: boolean | null = null;
  private pullEvents = PULL_EVENTS.first;
  private pullTimeoutMs = PULL_TIMEOUT_MS.first;
  private touchedAtMs = 0;

  constructor(private readonly options: ApplierOptions) {
    this.name = `applier of ${options.origin}`;
    options.source.on("connect", () => this.connections++);
  }

  /** A message of the bus. Nothing in it is believed but its events, and these merge harmlessly. */
  receive(message: BusMessage): void {
    switch (message.kind) {
      case "batch":
        if (!this.pushed.add(message.batch)) this.pullWanted = true;
        break;
      case "heartbeat":
        this.heartbeat = message;
        break;
      case "hint":
        this.pullWanted = true;
        break;
      default:
        message satisfies never;
    }
    this.wakeup.wake();
  }

  /** There may be something new at the source. */
  hint(): void {
    this.pullWanted = true;
    this.wakeup.wake();
  }

  async run(): Promise<void> {
    const { signal } = this.stopping;
    const backoff = new Backoff({ minMs: 50, maxMs: 1_000 });
    while (!signal.aborted) {
      try {
        if (this.types.size === 0) this.types = await readEntityTypes(this.options.target);
        await this.work();
        backoff.reset();
        const woken = await this.wakeup.wait(this.options.silencePollMs ?? 1_000, signal);
        if (!woken) this.pullWanted = true;
        if (this.stalled) {
          this.pushed.drop();
          this.pullWanted = true;
          await systemSleep(STALLED_PAUSE_MS, signal);
        }
      } catch (err) {
        await this.onFailure(err);
        await backoff.wait(signal);
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /**
   * Applies what the source has by now, and returns: for a process that does not live long. One call at a time.
   * Throws what stopped it, after the stream's state says so too.
   */
  async catchUp(): Promise<void> {
    this.pullWanted = true;
    try {
      if (this.types.size === 0) this.types = await readEntityTypes(this.options.target);
      await this.work();
    } catch (err) {
      await this.onFailure(err);
      throw err;
    }
  }

  private async work(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      if (this.pullWanted || this.cursor === null) {
        await this.pull();
      } else if (!this.pushed.isEmpty) {
        await this.applyPushed();
      } else {
        break;
      }
    }
    await this.noteHeartbeat();
  }

  /** Reads the source until nothing is left. */
  private async pull(): Promise<void> {
    this.pullWanted = false;
    const { source, target } = this.options;
    let ahead: Promise<Batch> | undefined;
    while (!this.stopping.signal.aborted) {
      if (this.cursor === null || this.identifiedOn !== this.connections) {
        const actor = await identifySource(source, target, this.options.origin);
        this.identifiedOn = this.connections;
        this.cursor = { actor, position: await readCursor(target, actor) };
      }
      const batch: Batch = await (ahead ?? this.read(this.cursor.position));
      ahead = undefined;
      // Read over a connection behind which there may be another database.
      if (this.identifiedOn !== this.connections) continue;
      if (batch.actor !== this.cursor.actor) {
        this.cursor = { actor: batch.actor, position: await readCursor(target, batch.actor) };
        continue;
      }
      // Nothing that this region may have moves the cursor all the same.
      if (batch.upto === this.cursor.position) {
        if (batch.complete) this.heartbeat = { ...batch, upto: this.cursor.position };
        // A stream that stood still for its last event may go on without applying another one.
        if (this.stalled !== false && batch.complete) await this.setStall(batch.actor, null);
        return;
      }
      this.fitPull(sizeOf(batch), batch);
      if (!batch.complete && !this.pushed.continues(batch)) {
        // The source reads the next batch while this one is applied.
        ahead = this.read(batch.upto);
        ahead.catch(() => undefined);
      }
      if (!(await this.apply(batch))) return;
      // What was pushed meanwhile need not be read once more.
      if (batch.complete || this.pushed.continues(batch)) return;
      // Another applier may have moved the cursor meanwhile: what was read ahead then has a gap.
      if (this.cursor.position !== batch.upto) ahead = undefined;
    }
  }

  private read(after: Position): Promise<Batch> {
    return readOutbox(this.options.source, this.options.reader, after, this.pullEvents, {
      timeoutMs: this.pullTimeoutMs,
    });
  }

  private fitPull(bytes: number, batch: Batch): void {
    const perEvent = bytes / Math.max(1, countEvents(batch));
    const wanted = Math.floor(PULL_TARGET_BYTES / Math.max(1, perEvent));
    this.pullTimeoutMs = PULL_TIMEOUT_MS.first;
    // Whole batches, where it is more than one, so that it ends where one that was pushed does.
    const whole = wanted > BATCH_EVENTS ? wanted - (wanted % BATCH_EVENTS) : wanted;
    this.pullEvents = Math.min(PULL_EVENTS.max, Math.max(PULL_EVENTS.min, whole));
  }

  /** Applies what follows on the cursor, as many batches in one transaction as fit. */
  private async applyPushed(): Promise<void> {
    if (this.cursor === null) return;
    const taken = this.pushed.take(this.cursor);
    // The source says which actor is current.
    if (taken.stranger) this.cursor = null;
    if (taken.kind === "batch") {
      await this.apply(taken.batch);
    } else if (taken.kind === "gap") {
      this.pushed.drop();
      this.pullWanted = true;
    }
  }

  /** Whether the stream moved on. */
  private async apply(batch: Batch): Promise<boolean> {
    failpoint("applier:read");
    const startMs = systemClock.now();
    const outcome = await applyOrPark(this.options.target, this.types, batch, this.stopping.signal);
    switch (outcome) {
      case "applied":
        failpoint("applier:applied");
        this.cursor = { actor: batch.actor, position: batch.upto };
        this.touchedAtMs = performance.now();
        this.trace(batch, startMs);
        this.options.onApplied?.(batch.rows);
        if (this.stalled !== false) await this.setStall(batch.actor, null);
        return true;
      case "duplicate":
      case "gap":
        // Another applier of this stream moved the cursor, or it was moved back.
        this.cursor = {
          actor: batch.actor,
          position: await readCursor(this.options.target, batch.actor),
        };
        this.pullWanted ||= outcome === "gap";
        return true;
      case "schema":
      case "clock-ahead":
        await this.setStall(batch.actor, explain(outcome, batch));
        this.types = await readEntityTypes(this.options.target);
        return false;
      default:
        return outcome satisfies never;
    }
  }

  /** Of the writes that were made in a trace: where and when they arrived. */
  private trace(batch: Batch, startMs: number): void {
    for (const { position, traceparent } of batch.traces ?? []) {
      const attributes = {
        "meridian.source": batch.actor,
        "meridian.region": this.options.reader,
        "meridian.position": position.toString(),
      };
      traceApart("apply", traceparent, { startMs, attributes });
    }
  }

  private async noteHeartbeat(): Promise<void> {
    const { heartbeat, cursor } = this;
    this.heartbeat = null;
    if (heartbeat === null || cursor === null || this.stalled) return;
    if (heartbeat.actor !== cursor.actor || heartbeat.upto > cursor.position) {
      this.hint();
    } else if (performance.now() - this.touchedAtMs >= TOUCH_EVERY_MS * 0.9) {
      this.touchedAtMs = performance.now();
      await touchCursor(this.options.target, cursor.actor, heartbeat.upto, heartbeat.sourceTime);
    }
  }

  private async onFailure(err: unknown): Promise<void> {
    this.pushed.drop();
    this.pullWanted = true;
    // It may have been too much for the link in the time that a read has.
    this.pullEvents = Math.max(PULL_EVENTS.min, Math.floor(this.pullEvents / 2));
    if (errorMessage(err) === QUERY_TIMED_OUT) {
      this.pullTimeoutMs = Math.min(this.pullTimeoutMs * 2, PULL_TIMEOUT_MS.max);
    }
    const log = getLogger("applier");
    const state = sqlState(err);
    const isRestored = state === RESTORED || err instanceof RestoredSourceError;
    if (state === TRIMMED || isRestored) {
      const actor = this.cursor?.actor ?? (this.options.origin as string as Actor);
      // It goes on from a cursor that repair has moved, or with the origin's next incarnation.
      this.cursor = null;
      await this.setStall(actor, explainRefusal(isRestored, err)).catch(() => undefined);
      return;
    }
    if (isUnreachable(err) || state === undefined || !isPoison(err)) {
      log.warn({ err, origin: this.options.origin }, "stream interrupted");
      return;
    }
    log.error({ err, origin: this.options.origin }, "events could not be applied");
    const actor = this.cursor?.actor ?? (this.options.origin as string as Actor);
    await this.setStall(actor, { reason: "error", detail: `${state}: ${errorMessage(err)}` }).catch(
      () => undefined,
    );
  }

  private async setStall(
    actor: Actor,
    stall: { reason: string; detail: string } | null,
  ): Promise<void> {
    await recordStall(this.options.target, actor, stall);
    if (stall !== null && this.stalled !== true) {
      getLogger("applier").error({ origin: this.options.origin, ...stall }, "stream stalled");
    }
    this.stalled = stall !== null;
  }
}

function explain(outcome: ApplyOutcome & ("schema" | "clock-ahead"), batch: Batch) {
  const detail =
    outcome === "schema"
      ? `Its events have schema version ${batch.schemaVersion}, this region has another: migrate all regions.`
      : "Its clock runs more than 500 ms ahead of this region's: check both clocks.";
  return { reason: outcome, detail };
}

function explainRefusal(isRestored: boolean, err: unknown) {
  return isRestored
    ? { reason: "restored", detail: `${errorMessage(err)}: its worker heals it.` }
    : { reason: "trimmed", detail: `${errorMessage(err)}: run "npm run region -- repair".` };
}

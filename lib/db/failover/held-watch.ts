import { systemSleep } from "@/lib/clock";
import type { ClientCache } from "@/lib/db/regions/clients";
import { isUnreachable, within } from "@/lib/db/regions/faults";
import { regionOfActor, type Actor, type RegionId } from "@/lib/db/regions/region-id";
import { toPosition } from "@/lib/db/sessions/positions";
import { errorMessage } from "@/lib/errors";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** Longest wait in the database for one question, in ms. */
const SLICE_MS = 1_000;

/** What an answer may take beyond that, in ms. */
const ANSWER_MS = 1_000;

/** Pause before a region that could not be reached is asked again, in ms. */
const RETRY_MS = 100;

/** Connections of a region that all waiting takes together. Two: a write need not wait for an answer to others. */
const MOST_QUESTIONS = 2;

/** "held", "deposed", "timeout", or what went wrong. */
export type HeldAnswer = string;

export interface HeldQuestion {
  origin: Actor;
  position: bigint;
  /** The write is one of a leader: it counts only while the region has promised to nobody else. */
  led: boolean;
  /** Of performance.now(). */
  untilMs: number;
  signal: AbortSignal;
}

interface Waiter extends HeldQuestion {
  settle: (answer: HeldAnswer) => void;
}

interface Seen {
  cursors: Record<string, string>;
  follows: string | null;
}

/** What one region has applied, as seen from one vantage: one question for everybody who waits. */
class RegionHeldWatch {
  private readonly waiters = new Set<Waiter>();
  private asking = 0;
  /** Waiters that no question under way is about. */
  private unasked = false;
  private failure = "timeout";

  constructor(private readonly open: () => PrismaClient) {}

  wait(question: HeldQuestion): Promise<HeldAnswer> {
    return new Promise((resolve) => {
      const leftMs = Math.max(0, question.untilMs - performance.now());
      const settle = (answer: HeldAnswer) => {
        clearTimeout(timer);
        question.signal.removeEventListener("abort", onAbort);
        this.waiters.delete(waiter);
        resolve(answer);
      };
      const onAbort = () => settle("timeout");
      const timer = setTimeout(() => settle(this.failure), leftMs);
      const waiter: Waiter = { ...question, settle };
      question.signal.addEventListener("abort", onAbort, { once: true });
      this.waiters.add(waiter);
      this.unasked = true;
      this.ask();
    });
  }

  private ask(): void {
    if (this.waiters.size === 0 || this.asking >= MOST_QUESTIONS) return;
    if (this.asking > 0 && !this.unasked) return;
    this.unasked = false;
    this.asking += 1;
    this.askOnce()
      .catch((error: unknown) => {
        this.failure = errorMessage(error);
        if (isUnreachable(error)) return systemSleep(RETRY_MS);
        for (const waiter of this.waiters) waiter.settle(this.failure);
        return undefined;
      })
      .finally(() => {
        this.asking -= 1;
        this.ask();
      });
  }

  private async askOnce(): Promise<void> {
    const marks = new Map<Actor, bigint>();
    let led: string | null = null;
    let untilMs = 0;
    for (const waiter of this.waiters) {
      const lowest = marks.get(waiter.origin);
      if (lowest === undefined || waiter.position < lowest) {
        marks.set(waiter.origin, waiter.position);
      }
      if (waiter.led) led = regionOfActor(waiter.origin);
      untilMs = Math.max(untilMs, waiter.untilMs);
    }
    const sliceMs = Math.ceil(Math.min(SLICE_MS, Math.max(0, untilMs - performance.now())));
    const wanted = JSON.stringify(
      Object.fromEntries([...marks].map(([actor, position]) => [actor, `${position}`])),
    );
    const rows = await within(
      sliceMs + ANSWER_MS,
      this.open().$queryRaw<{ seen: Seen }[]>`
        SELECT mr.await_any_held(${wanted}::jsonb, ${led}, ${sliceMs}::int) AS seen`,
    );
    this.failure = "timeout";
    if (rows[0]) this.note(rows[0].seen);
  }

  private note({ cursors, follows }: Seen): void {
    for (const waiter of this.waiters) {
      if (waiter.led && follows !== regionOfActor(waiter.origin)) {
        waiter.settle("deposed");
        continue;
      }
      const cursor = cursors[waiter.origin];
      if (cursor !== undefined && toPosition(cursor) >= waiter.position) waiter.settle("held");
    }
  }
}

/** The watches of one process. */
export class HeldWatches {
  private readonly watches = new Map<string, RegionHeldWatch>();

  constructor(private readonly clients: ClientCache) {}

  /** Waits until a region has applied a write. Never rejects. */
  wait(vantage: RegionId, region: RegionId, question: HeldQuestion): Promise<HeldAnswer> {
    const key = `${vantage} ${region}`;
    let watch = this.watches.get(key);
    if (!watch) {
      watch = new RegionHeldWatch(() => this.clients.write(vantage, region));
      this.watches.set(key, watch);
    }
    return watch.wait(question);
  }
}

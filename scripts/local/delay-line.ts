import type { Socket } from "node:net";

/** Bytes in flight past which the sender is paused: far above what a link holds in normal use. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;

/** Below this share of the limit the sender goes on. */
const RESUME_SHARE = 0.5;

type Item =
  | { kind: "data"; dueMs: number; chunk: Buffer }
  | { kind: "end"; dueMs: number }
  | { kind: "reset"; dueMs: number };

/** What can be asked to send more slowly. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
  isPaused(): boolean;
}

export interface DelayLineOptions {
  source: Pausable;
  /** Delay that applies to what is sent from now on, in milliseconds. */
  delayMs: () => number;
  /** Nothing leaves the line before this moment plus the delay (connection set-up). */
  notBeforeMs: number;
  /** Monotonic milliseconds. */
  now?: () => number;
}

/**
 * One direction of one connection. What comes in leaves after the delay, in order, however much
 * it is: each chunk carries the moment it is due, so a delay adds latency and takes no bandwidth.
 * An end or a reset travels the same way as data. While held, everything stays inside, like
 * packets that are sent again and again on a broken path, and leaves once released.
 */
export class DelayLine {
  private readonly queue: Item[] = [];
  private readonly now: () => number;
  private head = 0;
  private queuedBytes = 0;
  private lastDueMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private target: Socket | undefined;
  private held = false;
  private blocked = false;
  private closed = false;

  constructor(private readonly options: DelayLineOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /** Whether an end or a reset has gone through: nothing will follow. */
  get isClosed(): boolean {
    return this.closed;
  }

  push(chunk: Buffer): void {
    this.queuedBytes += chunk.length;
    if (this.queuedBytes > MAX_QUEUED_BYTES) this.options.source.pause();
    this.enqueue({ kind: "data", dueMs: this.due(), chunk });
  }

  end(): void {
    this.enqueue({ kind: "end", dueMs: this.due() });
  }

  reset(): void {
    this.enqueue({ kind: "reset", dueMs: this.due() });
  }

  /** The line delivers to `target` from now on; until then everything waits. */
  connect(target: Socket): void {
    this.target = target;
    target.on("drain", () => {
      this.blocked = false;
      this.release();
    });
    this.release();
  }

  hold(): void {
    this.held = true;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  resume(): void {
    this.held = false;
    this.release();
  }

  /** Drops what is inside and accepts nothing more. */
  destroy(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.queue.length = 0;
    this.head = 0;
    this.queuedBytes = 0;
  }

  private due(): number {
    const delayMs = this.options.delayMs();
    const dueMs = Math.max(this.now(), this.options.notBeforeMs) + delayMs;
    // A delay that was lowered meanwhile must not let later bytes overtake earlier ones.
    this.lastDueMs = Math.max(this.lastDueMs, dueMs);
    return this.lastDueMs;
  }

  private enqueue(item: Item): void {
    if (this.closed) return;
    this.queue.push(item);
    this.release();
  }

  private release(): void {
    while (this.target && !this.held && !this.blocked && !this.closed) {
      const item = this.queue[this.head];
      if (!item) break;
      const waitMs = item.dueMs - this.now();
      // Timers fire up to 1 ms early: half of that is closer than another round of waiting.
      if (waitMs > 0.5) {
        this.timer ??= setTimeout(() => {
          this.timer = undefined;
          this.release();
        }, waitMs);
        break;
      }
      this.head++;
      this.deliver(item, this.target);
    }
    this.compact();
  }

  private deliver(item: Item, target: Socket): void {
    switch (item.kind) {
      case "data":
        this.queuedBytes -= item.chunk.length;
        if (target.writable) this.blocked = !target.write(item.chunk);
        if (this.options.source.isPaused() && this.queuedBytes < MAX_QUEUED_BYTES * RESUME_SHARE) {
          this.options.source.resume();
        }
        return;
      case "end":
        this.closed = true;
        target.end();
        return;
      case "reset":
        this.closed = true;
        target.resetAndDestroy();
        return;
      default:
        item satisfies never;
    }
  }

  /** Shifting an array per chunk is quadratic under load. */
  private compact(): void {
    if (this.head < 64 && this.head < this.queue.length) return;
    this.queue.splice(0, this.head);
    this.head = 0;
  }
}

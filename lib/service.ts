import { systemSleep, type Sleep } from "@/lib/clock";

/** A long-running part. `run` returns after `stop`, never throws, and can run once. */
export interface Service {
  readonly name: string;
  run(): Promise<void>;
  stop(): Promise<void>;
}

export interface BackoffOptions {
  minMs: number;
  maxMs: number;
  sleep?: Sleep;
  random?: () => number;
}

/** Exponential back-off with jitter: each wait is between half and the whole of a doubling delay. */
export class Backoff {
  private failures = 0;
  private readonly sleep: Sleep;
  private readonly random: () => number;

  constructor(private readonly options: BackoffOptions) {
    this.sleep = options.sleep ?? systemSleep;
    this.random = options.random ?? Math.random;
  }

  reset(): void {
    this.failures = 0;
  }

  nextMs(): number {
    const ceiling = Math.min(this.options.maxMs, this.options.minMs * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 30);
    return ceiling * (0.5 + this.random() / 2);
  }

  wait(signal?: AbortSignal): Promise<void> {
    return this.sleep(this.nextMs(), signal);
  }
}

/**
 * Many calls of `wake`, one wake-up: a wait returns at once if `wake` was called since the last
 * wait, else at the next call, at the timeout, or when the signal aborts.
 */
export class Wakeup {
  private pending = false;
  private waiter: (() => void) | undefined;

  wake(): void {
    this.pending = true;
    this.waiter?.();
  }

  /** Whether it was woken rather than timed out. */
  async wait(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.pending && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          this.waiter = undefined;
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        signal?.addEventListener("abort", done, { once: true });
        this.waiter = done;
      });
    }
    const woken = this.pending;
    this.pending = false;
    return woken;
  }
}

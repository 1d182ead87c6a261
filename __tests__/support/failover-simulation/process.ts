import type { Sleep } from "@/lib/clock";
import type { Wakeup } from "@/lib/service";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { SimulatedClock } from "./clocks";
import type { Scheduler } from "./scheduler";

/** Nobody wakes a decision that is due by time alone: fewer looks than the machine takes make faster runs. */
const TICK_STRETCH = 3;

/** A process from its start to its end: what it waits for never comes once it was killed. */
export class Process {
  private killed = false;
  private paused = false;
  private readonly waiting: (() => void)[] = [];

  constructor(
    readonly region: RegionId,
    private readonly scheduler: Scheduler,
    private readonly clock: SimulatedClock,
  ) {}

  get isRunning(): boolean {
    return !this.killed && !this.paused;
  }

  kill(): void {
    this.killed = true;
  }

  /** As SIGSTOP: time goes on without it. */
  pause(): void {
    this.paused = true;
  }

  goOn(): void {
    this.paused = false;
    for (const settle of this.waiting.splice(0)) this.deliver(settle);
  }

  deliver(settle: () => void): void {
    if (this.killed) return;
    if (this.paused) {
      this.waiting.push(settle);
      return;
    }
    settle();
    this.scheduler.resume();
  }

  sleep: Sleep = (ms) =>
    new Promise((resolve) => {
      this.scheduler.after(this.clock.trueMsOf(ms), () => this.deliver(resolve));
    });

  /** lib/service.ts has the original, which takes the machine's timers. */
  wakeup(): Pick<Wakeup, "wake" | "wait"> {
    let pending = false;
    let waiter: (() => void) | undefined;
    return {
      wake: () => {
        pending = true;
        waiter?.();
      },
      wait: async (timeoutMs) => {
        if (!pending) {
          await new Promise<void>((resolve) => {
            const done = () => {
              if (waiter === done) waiter = undefined;
              resolve();
            };
            waiter = done;
            this.scheduler.after(this.clock.trueMsOf(timeoutMs * TICK_STRETCH), () => {
              if (waiter === done) this.deliver(done);
            });
          });
        }
        const woken = pending;
        pending = false;
        return woken;
      },
    };
  }
}

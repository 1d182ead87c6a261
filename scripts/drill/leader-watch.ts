import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { leadingEpoch } from "./leaders";

const EVERY_MS = 20;

/**
 * Looks for two leaders at once: a database that says that it leads an epoch, asked after a later one had already
 * been seen to be led.
 */
export class LeaderWatch {
  /** How often one was seen. */
  dual = 0;
  private newest = 0n;

  async run(pools: readonly pg.Pool[], signal: AbortSignal): Promise<void> {
    await Promise.all(pools.map((pool) => this.watch(pool, signal)));
  }

  private async watch(pool: pg.Pool, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { newest } = this;
      const epoch = await leadingEpoch(pool);
      if (epoch !== null && epoch < newest) this.dual += 1;
      if (epoch !== null && epoch > this.newest) this.newest = epoch;
      await systemSleep(EVERY_MS, signal);
    }
  }
}

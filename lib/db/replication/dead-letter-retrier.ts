import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { failpoint } from "@/lib/failpoints";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";

/** Rows that one look retries; each is a transaction of its own. */
const ROWS = 100;

/**
 * Retries dead letters when they are due: half a minute after they were parked, then twice as long
 * after each failure, up to an hour.
 */
export class DeadLetterRetrier implements Service {
  readonly name = "dead-letter retrier";
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: pg.Pool,
    private readonly intervalMs = 5_000,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await systemSleep(this.intervalMs, signal);
      if (signal.aborted) return;
      try {
        await this.retryDue();
      } catch (err) {
        getLogger("dead-letters").debug({ err }, "due dead letters not read");
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  private async retryDue(): Promise<void> {
    const { rows } = await this.store.query<{ entity: string; entity_id: string }>(
      "SELECT entity, entity_id FROM mr.due_dead_letters($1)",
      [ROWS],
    );
    for (const { entity, entity_id } of rows) {
      if (this.stopping.signal.aborted) return;
      try {
        await this.store.query("SELECT mr.retry_dead_letters($1, $2)", [entity, entity_id]);
        failpoint("retrier:retried");
      } catch (err) {
        getLogger("dead-letters").warn({ err, entity, id: entity_id }, "dead letter not retried");
      }
    }
  }
}

import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { failpoint } from "@/lib/failpoints";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";

/** Rows that one transaction drops: a longer one would hold back the horizon. */
const CHUNK = 5_000;

/** Drops events that every registered region has applied. */
export class OutboxTrimmer implements Service {
  readonly name = "outbox trimmer";
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: pg.Pool,
    private readonly intervalMs = 5_000,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await systemSleep(this.intervalMs, signal);
      try {
        let dropped = CHUNK;
        while (dropped >= CHUNK && !signal.aborted) {
          const { rows } = await this.store.query<{ dropped: number }>(
            "SELECT mr.trim_outbox($1) AS dropped",
            [CHUNK],
          );
          dropped = rows[0]?.dropped ?? 0;
          if (dropped > 0) failpoint("trimmer:trimmed");
        }
      } catch (err) {
        getLogger("trimmer").debug({ err }, "outbox not trimmed");
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }
}

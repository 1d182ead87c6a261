import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { OBSERVATION_VALID_MS } from "@/lib/db/regions/region-state";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";

/** Before the first sample: peers have to be asked and Redis reached, or each start would look like a fault. */
const FIRST_MS = 2_500;

/** After a failure; the database says when the next sample is due otherwise. */
const RETRY_MS = 5_000;

/** Samples lag, latency and rates every 5 s into the region's own database, and notes what changed. */
export class MetricSampler implements Service {
  readonly name = "metric sampler";
  private readonly stopping = new AbortController();

  constructor(private readonly store: pg.Pool) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    await systemSleep(FIRST_MS, signal);
    while (!signal.aborted) {
      let pauseMs = RETRY_MS;
      try {
        pauseMs = (await takeSample(this.store)).nextInMs;
      } catch (err) {
        getLogger("metrics").debug({ err }, "no sample taken");
      }
      await systemSleep(pauseMs, signal);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }
}

/**
 * @param at the time to take it for, instead of the database's clock
 * @returns `taken`: false where another worker of the region has taken this one
 */
export async function takeSample(
  store: pg.Pool,
  at: Date | null = null,
): Promise<{ taken: boolean; nextInMs: number }> {
  const { rows } = await store.query<{ taken: boolean; next_in_ms: number }>({
    name: "mr_sample_metrics",
    text: "SELECT taken, next_in_ms FROM mr.sample_metrics($1, $2::timestamptz)",
    values: [OBSERVATION_VALID_MS, at],
  });
  const row = rows[0];
  if (!row) throw new Error("mr.sample_metrics returned nothing");
  return { taken: row.taken, nextInMs: row.next_in_ms };
}

import { askRegions } from "@/lib/ask-regions";
import type { Queryable } from "@/lib/db/failover/queryable";
import { gridUpTo, seriesOf, type RawHistory } from "@/lib/db/metrics/series";
import type { MetricHistoryAnswer, MetricWindow, RegionMetrics } from "@/lib/db/metrics/shape";
import type { RegionId } from "@/lib/db/regions/region-id";

const POINTS = 240;

/** How long the points are that are kept, and those that are answered, in seconds. */
const STEPS: Record<MetricWindow, { keptS: number; stepS: number }> = {
  hour: { keptS: 5, stepS: 15 },
  day: { keptS: 360, stepS: 360 },
};

/** What the regions' databases keep of the last hour or day; waits for no region that is down. */
export async function gatherMetrics(
  vantage: RegionId,
  window: MetricWindow,
): Promise<MetricHistoryAnswer> {
  const { keptS, stepS } = STEPS[window];
  const answers = await askRegions(vantage, `metrics ${window}`, async ({ read }) => ({
    history: await readHistory(read, keptS, stepS),
    readAtMs: Date.now(),
  }));
  const grid = gridUpTo(Date.now(), stepS * 1000, POINTS);
  const regions = [...answers].map(([regionId, answer]): RegionMetrics =>
    answer.kind === "answer"
      ? { regionId, series: seriesOf(answer.value.history, grid, answer.value.readAtMs) }
      : { regionId, series: null, reason: answer.reason },
  );
  return { window, ...grid, regions };
}

async function readHistory(db: Queryable, keptS: number, stepS: number): Promise<RawHistory> {
  const { rows } = await db.query<{ history: string }>(
    "SELECT mr.metric_history($1::integer, $2::integer, $3::integer)::text AS history",
    [keptS, stepS, POINTS],
  );
  return JSON.parse(rows[0]?.history ?? "null") as RawHistory;
}

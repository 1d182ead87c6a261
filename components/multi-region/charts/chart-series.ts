import type { MetricHistoryAnswer, MetricWindow, Values } from "@/lib/db/metrics/shape";

/** One line. */
export interface Line {
  /** The region that it is about; its colour and name. */
  regionId: string;
  values: Values;
  /** 1 where a stream stood still. */
  stalled?: Values;
}

export interface Chart {
  id: string;
  title: string;
  /** The region that measured, where each has a chart of its own. */
  of: string | null;
  unit: Unit;
  lines: Line[];
  /** Why there is nothing, by region. */
  unread: { regionId: string; reason: string }[];
}

export type Unit = "ms" | "per second" | "count";

export interface ChartGroup {
  title: string;
  /** One sentence: what is measured, from where to where. */
  about: string;
  charts: Chart[];
}

const UNREAD: Record<string, string> = {
  unreachable: "does not answer",
  slow: "took too long to answer",
  failed: "could not read its history",
};

export const POINT_LABELS: Record<MetricWindow, string> = { hour: "15 s", day: "6 min" };

/** The charts that an answer makes. Pure. */
export function chartsOf(answer: MetricHistoryAnswer): ChartGroup[] {
  const { regions } = answer;
  const unread = regions.flatMap((region) =>
    region.series === null
      ? [{ regionId: region.regionId, reason: UNREAD[region.reason] ?? region.reason }]
      : [],
  );
  const perRegion = (id: string, title: string, key: "lagMs" | "latencyMs") =>
    regions.map(({ regionId, series }): Chart => ({
      id: `${id} ${regionId}`,
      title,
      of: regionId,
      unit: "ms",
      lines: (series?.streams ?? []).map((stream) => ({
        regionId: stream.peer,
        values: stream[key].mean,
        ...(key === "lagMs" ? { stalled: stream.stalled } : {}),
      })),
      unread: unread.filter((one) => one.regionId === regionId),
    }));
  const together = (
    id: string,
    title: string,
    unit: Unit,
    key: "writesPerS" | "appliedPerS" | "conflicts",
  ): Chart => ({
    id,
    title,
    of: null,
    unit,
    lines: regions.flatMap(({ regionId, series }) => {
      if (series === null) return [];
      const values = series[key];
      return [{ regionId, values: Array.isArray(values) ? values : values.mean }];
    }),
    unread,
  });
  return [
    {
      title: "Lag",
      about:
        "From the commit of a write to its application in the region, by where it was written.",
      charts: perRegion("lag", "Lag in", "lagMs"),
    },
    {
      title: "Latency",
      about: "Round trip from the region’s worker to the database of each other region.",
      charts: perRegion("latency", "Latency from", "latencyMs"),
    },
    {
      title: "Writes and conflicts",
      about: `What each region did itself. Conflicts are counted in points of ${POINT_LABELS[answer.window]}.`,
      charts: [
        together("writes", "Writes captured", "per second", "writesPerS"),
        together("applied", "Writes of others applied", "per second", "appliedPerS"),
        together("conflicts", "Conflicts recorded", "count", "conflicts"),
      ],
    },
  ];
}

const LEAST: Record<Unit, number> = { ms: 10, "per second": 1, count: 4 };

/** Charts side by side are read against each other, so they share their scale. */
export function topOf(charts: readonly Chart[]): { most: number; least: number } {
  const values = charts.flatMap(({ lines }) => lines.flatMap(({ values: all }) => all));
  const most = values.reduce<number>((top, value) => Math.max(top, value ?? 0), 0);
  return { most, least: LEAST[charts[0]?.unit ?? "count"] };
}

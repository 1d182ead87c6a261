"use client";

import dynamic from "next/dynamic";
import { ChartSkeleton } from "./charts/chart-skeleton";

/** Loaded after the page: nobody waits for charts to see whether the regions are well. */
const MetricCharts = dynamic(
  () => import("./charts/metric-charts").then(({ MetricCharts: charts }) => charts),
  { ssr: false, loading: () => <ChartSkeleton /> },
);

export function MetricHistory() {
  return (
    <section aria-labelledby="metric-history" className="mt-10 space-y-4">
      <h2 id="metric-history" className="text-lg font-semibold">
        Over time
      </h2>
      <MetricCharts />
    </section>
  );
}

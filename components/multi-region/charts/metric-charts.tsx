"use client";

import { useEffect, useState } from "react";
import { PollFailed } from "@/components/multi-region/poll-failed";
import { polledState, usePolled } from "@/components/multi-region/use-polled";
import { cn } from "@/components/ui/class-names";
import type { MetricHistoryAnswer, MetricWindow } from "@/lib/db/metrics/shape";
import { chartsOf, POINT_LABELS, topOf } from "./chart-series";
import { formatMoment } from "./chart-text";
import { LineChart } from "./line-chart";
import { ChartSkeleton } from "./chart-skeleton";
import { scaleFor } from "./scale";

const WINDOWS: { id: MetricWindow; label: string; pollMs: number }[] = [
  { id: "hour", label: "Last hour", pollMs: 10_000 },
  { id: "day", label: "Last day", pollMs: 60_000 },
];

/** Lag, latency, writes and conflicts of the last hour or day, as the regions' workers sampled them. */
export function MetricCharts() {
  const [window, setWindow] = useState<MetricWindow>("hour");
  const pollMs = WINDOWS.find(({ id }) => id === window)?.pollMs ?? 10_000;
  const { data, error } = usePolled<MetricHistoryAnswer>(
    `/api/regions/metrics?window=${window}`,
    () => pollMs,
  );
  const receivedMs = useReceived(data);
  const state = polledState({ data, error });
  return (
    <div data-state={state} className="space-y-5">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div role="group" aria-label="Time shown" className="flex gap-1 rounded-md bg-sunken p-0.5">
          {WINDOWS.map(({ id, label }) => (
            <button
              key={id}
              type="button"
              aria-pressed={id === window}
              onClick={() => setWindow(id)}
              className="h-8 rounded-[0.3125rem] px-3 text-sm text-muted hover:text-ink aria-pressed:bg-surface aria-pressed:font-medium aria-pressed:text-ink"
            >
              {label}
            </button>
          ))}
        </div>
        <p className="figures text-xs text-muted sm:ml-auto">
          {receivedMs === null ? "Asking the regions" : `As of ${formatMoment(receivedMs)}`}
        </p>
      </div>
      <PollFailed
        error={error}
        known={data !== undefined}
        old="These charts are out of date."
        none="The history can’t be read."
      />
      {data ? <Groups answer={data} old={state === "stale" || data.window !== window} /> : null}
      {state === "loading" ? <ChartSkeleton /> : null}
    </div>
  );
}

function Groups({ answer, old }: { answer: MetricHistoryAnswer; old: boolean }) {
  return (
    <div className={cn("space-y-6", old && "opacity-60 grayscale")} data-window={answer.window}>
      {chartsOf(answer).map(({ title, about, charts }) => {
        // Of one unit they are read against each other; else each has its own scale.
        const shared = charts.every(({ unit, of }) => unit === charts[0]?.unit && of !== null);
        return (
          <section key={title} aria-label={title} className="space-y-2">
            <div>
              <h3 className="font-semibold">{title}</h3>
              <p className="text-xs text-muted">{about}</p>
            </div>
            <div className="grid grid-cols-1 gap-3 md:grid-cols-2 lg:grid-cols-3">
              {charts.map((chart) => {
                const { most, least } = topOf(shared ? charts : [chart]);
                return (
                  <LineChart
                    key={chart.id}
                    chart={chart}
                    scale={scaleFor(most, least)}
                    times={answer}
                  />
                );
              })}
            </div>
          </section>
        );
      })}
      <p className="text-xs text-muted">
        Points of {POINT_LABELS[answer.window]}, each the mean of its time. A gap is where nothing
        is known, a shaded band where a stream stood still.
      </p>
    </div>
  );
}

/** When the answer came, by the clock of the browser. */
function useReceived(data: unknown): number | null {
  const [receivedMs, setReceivedMs] = useState<number | null>(null);
  useEffect(() => {
    if (data !== undefined) setReceivedMs(Date.now());
  }, [data]);
  return receivedMs;
}

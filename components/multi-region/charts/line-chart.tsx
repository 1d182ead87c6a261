"use client";

import { useState, type KeyboardEvent, type PointerEvent } from "react";
import { useRegionName } from "@/components/multi-region/region-names";
import type { Chart, Line } from "./chart-series";
import { ChartTable } from "./chart-table";
import { formatAxisTime, formatMoment, formatTick, formatValue, UNIT_LABELS } from "./chart-text";
import { lineStyle, LineSample } from "./line-style";
import { linePath, runs, type Scale } from "./scale";

/** When the points of a chart are, in ms. */
export interface Times {
  fromMs: number;
  stepMs: number;
  points: number;
}

const PAGE = 20;

/** Lines over time. Where nothing is known there is no line; where a stream stood still, a band. */
export function LineChart({ chart, scale, times }: { chart: Chart; scale: Scale; times: Times }) {
  const nameOf = useRegionName();
  const [chosen, setChosen] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const title = chart.of === null ? chart.title : `${chart.title} ${nameOf(chart.of).city}`;
  const last = times.points - 1;
  const index = Math.min(chosen ?? latestKnown(chart.lines, last), last);
  const timeAt = (at: number) => times.fromMs + at * times.stepMs;
  const said = (line: Line) =>
    line.stalled?.[index] ? "stalled" : formatValue(line.values[index] ?? null, chart.unit);

  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowLeft: index - 1,
      ArrowDown: index - 1,
      ArrowRight: index + 1,
      ArrowUp: index + 1,
      PageDown: index - PAGE,
      PageUp: index + PAGE,
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setChosen(Math.max(0, Math.min(last, to)));
  };
  const onPointer = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left) / Math.max(1, box.width);
    setChosen(Math.max(0, Math.min(last, Math.round(share * last))));
  };

  return (
    <figure
      aria-label={title}
      className="min-w-0 rounded-lg border border-line bg-surface px-3.5 py-3"
      data-chart={chart.id}
    >
      <figcaption className="flex items-center justify-between gap-3">
        <span className="min-w-0 truncate text-sm font-semibold">{title}</span>
        <button
          type="button"
          aria-pressed={asTable}
          aria-label={`Show as table: ${title}`}
          onClick={() => setAsTable(!asTable)}
          className="shrink-0 rounded-sm px-1.5 text-xs leading-6 text-muted hover:bg-tint hover:text-ink aria-pressed:bg-tint aria-pressed:text-ink"
        >
          Show as table
        </button>
      </figcaption>
      {asTable ? (
        <ChartTable chart={chart} title={title} times={times} />
      ) : (
        <>
          <Plot chart={chart} scale={scale} times={times}>
            <div
              role="slider"
              tabIndex={0}
              aria-label={`${title}: read a moment`}
              aria-valuemin={0}
              aria-valuemax={last}
              aria-valuenow={index}
              aria-valuetext={[
                formatMoment(timeAt(index)),
                ...chart.lines.map((line) => `${nameOf(line.regionId).city} ${said(line)}`),
              ].join(", ")}
              onKeyDown={onKeyDown}
              onPointerMove={onPointer}
              onPointerDown={onPointer}
              onPointerLeave={() => setChosen(null)}
              onBlur={() => setChosen(null)}
              className="absolute inset-0 touch-pan-y"
            >
              {chosen === null ? null : (
                <span
                  aria-hidden
                  className="absolute inset-y-0 w-px bg-faint"
                  style={{ left: `${(index / Math.max(1, last)) * 100}%` }}
                />
              )}
            </div>
          </Plot>
          <ul className="mt-2 grid gap-y-0.5 text-xs">
            {chart.lines.map((line) => {
              const { city, tone } = nameOf(line.regionId);
              return (
                <li key={line.regionId} className="flex items-center gap-2">
                  <LineSample tone={tone} />
                  <span className="min-w-0 flex-1 truncate text-muted">{city}</span>
                  <span className="figures font-medium" data-value={line.regionId}>
                    {said(line)}
                  </span>
                </li>
              );
            })}
          </ul>
          <p className="figures mt-1 text-xs text-muted" data-moment>
            {formatMoment(timeAt(index))}
          </p>
        </>
      )}
      {chart.unread.map(({ regionId, reason }) => (
        <p key={regionId} className="mt-1 text-xs text-warn">
          {nameOf(regionId).city} {reason}.
        </p>
      ))}
    </figure>
  );
}

/** The present point begins empty: the one before still tells how it is. */
function latestKnown(lines: readonly Line[], last: number): number {
  const known = (index: number) =>
    lines.some(({ values, stalled }) => values[index] != null || stalled?.[index]);
  return known(last) || !known(last - 1) ? last : last - 1;
}

function Plot({
  chart,
  scale,
  times,
  children,
}: {
  chart: Chart;
  scale: Scale;
  times: Times;
  children: React.ReactNode;
}) {
  const nameOf = useRegionName();
  const width = Math.max(1, times.points - 1);
  const empty = chart.lines.every(({ values, stalled }) =>
    values.every((value, index) => value === null && !stalled?.[index]),
  );
  const spanMs = times.stepMs * times.points;
  return (
    <div className="mt-2 grid grid-cols-[2.75rem_1fr] gap-x-2 gap-y-1 text-[0.6875rem] text-muted">
      <div aria-hidden className="figures relative h-28 text-right">
        {scale.ticks.map((tick, index) => (
          <span
            key={tick}
            className="absolute right-0 -translate-y-1/2 whitespace-nowrap leading-none"
            style={{ top: `${100 - (tick / scale.max) * 100}%` }}
          >
            {formatTick(tick)}
            {index === scale.ticks.length - 1 && UNIT_LABELS[chart.unit]
              ? ` ${UNIT_LABELS[chart.unit]}`
              : ""}
          </span>
        ))}
      </div>
      <div className="relative h-28">
        <svg
          aria-hidden
          viewBox="0 0 100 100"
          preserveAspectRatio="none"
          className="absolute inset-0 h-full w-full overflow-visible"
        >
          {scale.ticks.map((tick) => (
            <path
              key={tick}
              d={`M0 ${100 - (tick / scale.max) * 100}h100`}
              className={tick === 0 ? "stroke-line-strong" : "stroke-line"}
              vectorEffect="non-scaling-stroke"
            />
          ))}
          {chart.lines.flatMap(({ regionId, stalled }) =>
            runs(stalled ?? []).map(([from, to]) => (
              <rect
                key={`${regionId} ${from}`}
                data-stalled={regionId}
                x={(Math.max(0, from - 0.5) / width) * 100}
                width={(Math.max(1, to - from + 1) / width) * 100}
                y="0"
                height="100"
                className="fill-warn/20"
              />
            )),
          )}
          {chart.lines.map((line) => (
            <path
              key={line.regionId}
              data-line={line.regionId}
              d={linePath(line.values, scale.max)}
              fill="none"
              strokeWidth="1.75"
              strokeLinecap="round"
              strokeLinejoin="round"
              vectorEffect="non-scaling-stroke"
              {...lineStyle(nameOf(line.regionId).tone)}
            />
          ))}
        </svg>
        {empty ? (
          <p className="absolute inset-0 grid place-items-center text-xs">Nothing is known yet.</p>
        ) : null}
        {children}
      </div>
      <span />
      <div aria-hidden className="figures flex justify-between whitespace-nowrap">
        {[0, 0.5, 1].map((share) => (
          <span key={share}>
            {formatAxisTime(times.fromMs + share * spanMs)}
            {share === 1 ? " UTC" : ""}
          </span>
        ))}
      </div>
    </div>
  );
}

"use client";

import { useRef } from "react";
import { flowsOf, type Flow } from "./flow-rates";
import { curve, labelSpot, MAP_TONES, place, type MapRegion } from "./map-shapes";
import { formatMs } from "./receipt-text";
import { RegionLabel } from "./region-names";
import { useRegionStatus } from "./use-region-status";
import { cn } from "@/components/ui/class-names";
import type { RegionStatus } from "@/lib/region-status-shape";

/** At this many writes a second the marks move as fast as they ever do. */
const FULL_PER_SECOND = 50;

/** The newest answer, and the rates between it and the one before. */
export function useFlows(): { regions: RegionStatus[]; flows: Flow[] } | null {
  const regions = useRegionStatus().data?.regions;
  const seen = useRef<{ now: RegionStatus[]; before: RegionStatus[] | null } | null>(null);
  if (!regions) return null;
  if (seen.current?.now !== regions) {
    seen.current = { now: regions, before: seen.current?.now ?? null };
  }
  return { regions, flows: flowsOf(regions, seen.current.before) };
}

/** To be drawn inside the map: round trips, and marks that move while writes come through. */
export function ReplicationFlows({ regions }: { regions: readonly MapRegion[] }) {
  const seen = useFlows();
  const points = new Map(regions.map((region) => [region.id, place(region)]));
  const taken = [...points.values()];
  const pairs = regions.flatMap((from, index) =>
    regions.slice(index + 1).map((to) => ({ from: from.id, to: to.id })),
  );
  return (
    <g>
      {pairs.map(({ from, to }) => {
        const [a, b] = [points.get(from), points.get(to)];
        if (!a || !b) return null;
        const { path, pointAt } = curve(a, b);
        const spot = labelSpot(pointAt, taken);
        taken.push(spot);
        const flows = seen?.flows.filter(
          ({ source, target }) =>
            (source === from && target === to) || (source === to && target === from),
        );
        const broken = flows?.some(({ stalled, lagMs }) => stalled || lagMs === null) ?? false;
        return (
          <g key={`${from} ${to}`} data-link={`${from} ${to}`}>
            <path
              d={path}
              strokeWidth="1.4"
              strokeDasharray={broken ? "2 6" : undefined}
              className={broken ? "stroke-warn" : "stroke-line-strong"}
            />
            {flows?.map((flow) => (
              <Moving
                key={`${flow.source} ${flow.target}`}
                flow={flow}
                path={path}
                reverse={flow.source !== from}
                tone={
                  MAP_TONES[regions.findIndex(({ id }) => id === flow.source) % MAP_TONES.length]
                }
              />
            ))}
            <text
              x={spot.x}
              y={spot.y - 5}
              textAnchor="middle"
              className={cn(
                "stroke-surface text-[14px] font-medium [paint-order:stroke]",
                broken ? "fill-warn" : "fill-muted",
              )}
              strokeWidth="5"
            >
              {label(flows)}
            </text>
          </g>
        );
      })}
    </g>
  );
}

function label(flows: readonly Flow[] | undefined): string {
  if (!flows || flows.length === 0) return "";
  if (flows.some(({ stalled }) => stalled)) return "stalled";
  const lags = flows.flatMap(({ lagMs }) => (lagMs === null ? [] : [lagMs]));
  if (lags.length < flows.length) return "lag unknown";
  return formatMs(Math.max(...lags));
}

/** Marks along the way, faster the more writes come through; none where none do. */
function Moving({
  flow,
  path,
  reverse,
  tone,
}: {
  flow: Flow;
  path: string;
  reverse: boolean;
  tone: string | undefined;
}) {
  const rate = flow.perSecond ?? 0;
  if (rate <= 0) return null;
  const seconds = 3 - 2.2 * Math.min(1, rate / FULL_PER_SECOND);
  return (
    <path
      d={path}
      data-flow={`${flow.source} ${flow.target}`}
      className={cn("flow", tone)}
      stroke="currentColor"
      strokeWidth="3"
      strokeLinecap="round"
      strokeDasharray="0.1 15.9"
      style={{
        animationDuration: `${seconds.toFixed(1)}s`,
        animationDirection: reverse ? "reverse" : "normal",
      }}
    />
  );
}

/** The same in words and numbers. */
export function FlowTable() {
  const seen = useFlows();
  return (
    <details className="text-sm">
      <summary className="cursor-pointer text-muted underline underline-offset-2">
        Show as table
      </summary>
      <div
        role="region"
        aria-label="Table: replication"
        tabIndex={0}
        className="mt-2 overflow-x-auto"
      >
        <table className="w-full min-w-96 text-left [&_td]:border-t [&_td]:border-line [&_td]:py-1.5 [&_td]:pr-4 [&_th]:pr-4 [&_th]:pb-1 [&_th]:font-normal [&_th]:text-muted">
          <caption className="sr-only">Writes on their way between the regions</caption>
          <thead>
            <tr>
              <th scope="col">Writes of</th>
              <th scope="col">into</th>
              <th scope="col" className="text-right">
                behind
              </th>
              <th scope="col" className="text-right">
                waiting
              </th>
              <th scope="col" className="text-right">
                per second
              </th>
            </tr>
          </thead>
          <tbody>
            {seen?.flows.map((flow) => (
              <tr key={`${flow.source} ${flow.target}`}>
                <td>
                  <RegionLabel regionId={flow.source} />
                </td>
                <td>
                  <RegionLabel regionId={flow.target} />
                </td>
                <td className={cn("figures text-right", flow.stalled && "text-warn")}>
                  {flow.stalled ? "stalled " : ""}
                  {flow.lagMs === null ? (flow.stalled ? "" : "unknown") : formatMs(flow.lagMs)}
                </td>
                <td className="figures text-right">{flow.pendingWrites ?? "unknown"}</td>
                <td className="figures text-right">
                  {flow.perSecond === null ? "unknown" : flow.perSecond.toFixed(1)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

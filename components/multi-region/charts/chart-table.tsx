import { useRegionName } from "@/components/multi-region/region-names";
import type { Chart } from "./chart-series";
import { formatMoment, formatValue } from "./chart-text";
import type { Times } from "./line-chart";

/** The same points, newest first. */
export function ChartTable({ chart, title, times }: { chart: Chart; title: string; times: Times }) {
  const nameOf = useRegionName();
  const rows = Array.from({ length: times.points }, (_, index) => times.points - 1 - index);
  return (
    <div
      role="region"
      aria-label={`Table: ${title}`}
      tabIndex={0}
      className="mt-2 h-48 overflow-auto text-xs"
    >
      <table className="figures w-full border-collapse text-left">
        <thead className="sticky top-0 bg-surface">
          <tr>
            <th scope="col" className="py-1 pr-3 font-medium text-muted">
              Time
            </th>
            {chart.lines.map(({ regionId }) => (
              <th key={regionId} scope="col" className="py-1 pr-3 font-medium text-muted">
                {nameOf(regionId).city}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((index) => (
            <tr key={index} className="border-t border-line">
              <th scope="row" className="py-1 pr-3 font-normal whitespace-nowrap">
                {formatMoment(times.fromMs + index * times.stepMs)}
              </th>
              {chart.lines.map(({ regionId, values, stalled }) => (
                <td key={regionId} className="py-1 pr-3 whitespace-nowrap">
                  {stalled?.[index] ? "stalled" : formatValue(values[index] ?? null, chart.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

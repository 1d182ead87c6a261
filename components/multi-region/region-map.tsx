import type { ReactNode } from "react";
import { LAND } from "./land";
import type { Point } from "./map-projection";
import { curve, MAP_HEIGHT, MAP_TONES, MAP_WIDTH, place, type MapRegion } from "./map-shapes";

/** One path of zero-length strokes: their round caps are the dots. */
const LAND_PATH = LAND.map(place)
  .map(({ x, y }) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`)
  .join("");

/** The half ellipse of a meridian, drawn through points that are dense towards the poles. */
function meridian(longitude: number): string {
  const steps = Array.from(
    { length: 41 },
    (_, step) => 90 * Math.sin(((step - 20) / 40) * Math.PI),
  );
  return polyline(steps.map((latitude) => place({ latitude, longitude })));
}

function polyline(points: Point[]): string {
  return points
    .map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("");
}

/**
 * Land as dots, the meridian of each region, and the ways that writes travel between them.
 *
 * @param children drawn on it instead of these ways, in the map's own coordinates
 */
export function RegionMap({
  regions,
  here,
  children,
}: {
  regions: readonly MapRegion[];
  here?: string;
  children?: ReactNode;
}) {
  const placed = regions.map((region) => ({ ...region, point: place(region) }));
  const links = placed.flatMap((from, index) =>
    placed.slice(index + 1).map((to) => ({ key: `${from.id} ${to.id}`, from, to })),
  );
  return (
    <svg
      viewBox={`40 0 ${MAP_WIDTH - 40} ${MAP_HEIGHT}`}
      role="img"
      aria-label={`Map of the regions: ${regions.map(({ city }) => city).join(", ")}`}
      className="h-auto w-full overflow-hidden"
      fill="none"
    >
      <path d={LAND_PATH} className="stroke-line-strong" strokeWidth="3.6" strokeLinecap="round" />
      {placed.map(({ id, longitude }, index) => (
        <path
          key={id}
          d={meridian(longitude)}
          className={MAP_TONES[index % MAP_TONES.length]}
          stroke="currentColor"
          strokeOpacity="0.4"
        />
      ))}
      {children ?? (
        <g className="stroke-ink" strokeWidth="1.4" strokeOpacity="0.75">
          {links.map(({ key, from, to }) => (
            <path key={key} d={curve(from.point, to.point).path} strokeDasharray="4 4" />
          ))}
        </g>
      )}
      {placed.map(({ id, city, point: { x, y } }, index) => (
        <g key={id} className={MAP_TONES[index % MAP_TONES.length]}>
          {id === here ? (
            <circle cx={x} cy={y} r="14" stroke="currentColor" strokeWidth="1.75" />
          ) : null}
          <circle
            cx={x}
            cy={y}
            r="8"
            fill="currentColor"
            className="stroke-paper"
            strokeWidth="2.5"
          />
          <text
            x={x}
            y={y + 36}
            textAnchor="middle"
            className="fill-ink stroke-paper text-[21px] font-semibold [paint-order:stroke]"
            strokeWidth="6"
            strokeLinejoin="round"
          >
            {city}
          </text>
        </g>
      ))}
    </svg>
  );
}

import { LAND } from "./land";
import { project, type Place, type Point } from "./map-projection";

interface MapRegion extends Place {
  id: string;
  city: string;
}

const WIDTH = 800;
/** Cut below South America: no region and no reader is there. */
const HEIGHT = 350;
const MARGIN = 6;
const TONES = [
  "text-region-1",
  "text-region-2",
  "text-region-3",
  "text-region-4",
  "text-region-5",
  "text-region-6",
];

function place(at: Place): Point {
  const { x, y } = project(at);
  const half = WIDTH / 2 - MARGIN;
  return { x: WIDTH / 2 + x * half, y: 205 + y * half };
}

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

/** A curve that bends north, more so over a longer way. */
function arc(from: Point, to: Point): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const bend = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 - 0.3 * length };
  const at = ({ x, y }: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  return `M${at(from)}Q${at(bend)} ${at(to)}`;
}

/** Land as dots, the meridian of each region, and the ways that writes travel between them. */
export function RegionMap({ regions, here }: { regions: readonly MapRegion[]; here?: string }) {
  const placed = regions.map((region) => ({ ...region, point: place(region) }));
  const links = placed.flatMap((from, index) =>
    placed.slice(index + 1).map((to) => ({ key: `${from.id} ${to.id}`, from, to })),
  );
  return (
    <svg
      viewBox={`40 0 ${WIDTH - 40} ${HEIGHT}`}
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
          className={TONES[index % TONES.length]}
          stroke="currentColor"
          strokeOpacity="0.4"
        />
      ))}
      <g className="stroke-ink" strokeWidth="1.4" strokeOpacity="0.75">
        {links.map(({ key, from, to }) => (
          <path key={key} d={arc(from.point, to.point)} strokeDasharray="4 4" />
        ))}
      </g>
      {placed.map(({ id, city, point: { x, y } }, index) => (
        <g key={id} className={TONES[index % TONES.length]}>
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

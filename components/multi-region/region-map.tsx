import { greatCircle, project, type Place, type Point } from "./map-projection";

interface MapRegion extends Place {
  id: string;
  city: string;
}

const WIDTH = 800;
const HEIGHT = 400;
const MERIDIANS = Array.from({ length: 13 }, (_, index) => -180 + 30 * index);
const PARALLELS = [-60, -30, 0, 30, 60];
const TONES = ["text-region-1", "text-region-2", "text-region-3", "text-region-4", "text-region-5", "text-region-6"];

const scale = ({ x, y }: Point): Point => ({
  x: WIDTH / 2 + (x * (WIDTH - 8)) / 2,
  y: HEIGHT / 2 + (y * (WIDTH - 8)) / 2,
});

const path = (points: Point[]): string =>
  points
    .map(scale)
    .map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("");

/** Meridians and parallels, the regions, and the great circles that writes travel between them. */
export function RegionMap({ regions, here }: { regions: readonly MapRegion[]; here?: string }) {
  const links = regions.flatMap((from, index) =>
    regions.slice(index + 1).map((to) => ({ key: `${from.id} ${to.id}`, from, to })),
  );
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`Map of the regions: ${regions.map(({ city }) => city).join(", ")}`}
      className="h-auto w-full"
    >
      <g fill="none" className="stroke-line" strokeWidth="1">
        {MERIDIANS.map((longitude) => (
          <path
            key={longitude}
            d={path(
              Array.from({ length: 37 }, (_, step) =>
                project({ longitude, latitude: -90 + 5 * step }),
              ),
            )}
            className={longitude === 0 ? "stroke-line-strong" : undefined}
          />
        ))}
        {PARALLELS.map((latitude) => (
          <path
            key={latitude}
            d={path([project({ latitude, longitude: -180 }), project({ latitude, longitude: 180 })])}
            className={latitude === 0 ? "stroke-line-strong" : undefined}
          />
        ))}
      </g>
      <g fill="none" className="stroke-accent" strokeWidth="1.5" strokeDasharray="1 5" strokeLinecap="round">
        {links.map(({ key, from, to }) => (
          <path key={key} d={path(greatCircle(from, to))} />
        ))}
      </g>
      {regions.map((region, index) => {
        const { x, y } = scale(project(region));
        return (
          <g key={region.id} className={TONES[index % TONES.length]}>
            {region.id === here ? (
              <circle cx={x} cy={y} r="13" fill="none" stroke="currentColor" strokeWidth="1.5" />
            ) : null}
            <circle cx={x} cy={y} r="6.5" fill="currentColor" className="stroke-surface" strokeWidth="2" />
            <text
              x={x}
              y={y + 32}
              textAnchor="middle"
              className="fill-ink text-[19px] font-medium"
            >
              {region.city}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

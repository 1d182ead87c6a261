import { Crown, Database, Scissors } from "lucide-react";
import { RegionDot } from "@/components/multi-region/region-names";
import { cn } from "@/components/ui/class-names";
import type { LabLink, LabPlanet, LabRegion } from "@/lib/lab/lab-shape";
import type { PartState } from "@/lib/lab/planet-state";
import { partWord, regionWord } from "./lab-text";

/** What the controls under the picture are about. */
export type Selection =
  { kind: "region"; id: string } | { kind: "link"; from: string; to: string } | { kind: "redis" };

type Known = Extract<LabPlanet, { kind: "known" }>;

/** In percent of the picture. */
interface Spot {
  x: number;
  y: number;
}

/** From left to right, high and low in turn, so that no link runs through a third region. */
function spotOf(index: number, count: number): Spot {
  const x = count === 1 ? 50 : 16.5 + (index * 67) / (count - 1);
  return { x, y: index % 2 === 0 ? 62 : 14 };
}

export function PlanetPicture({
  planet,
  selected,
  onSelect,
}: {
  planet: Known;
  selected: Selection;
  onSelect: (selection: Selection) => void;
}) {
  const { regions, links } = planet;
  const spots = new Map(regions.map(({ id }, index) => [id, spotOf(index, regions.length)]));
  const spot = (id: string) => spots.get(id) ?? { x: 50, y: 50 };
  const city = (id: string) => regions.find((region) => region.id === id)?.city ?? id;
  return (
    <div
      role="group"
      aria-label="The planet: choose a region, a link or Redis"
      className="relative aspect-[5/4] w-full sm:aspect-[2/1]"
    >
      <svg
        aria-hidden
        viewBox="0 0 100 100"
        preserveAspectRatio="none"
        className="absolute inset-0 size-full"
      >
        {links.map((link) => (
          <LinkLine
            key={`${link.from} ${link.to}`}
            link={link}
            a={spot(link.from)}
            b={spot(link.to)}
          />
        ))}
      </svg>
      {links.map((link) => {
        const { from, to } = link;
        const [a, b] = [spot(from), spot(to)];
        return (
          <LinkButton
            key={`${from} ${to}`}
            link={link}
            names={[city(from), city(to)]}
            at={{ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }}
            pressed={selected.kind === "link" && selected.from === from && selected.to === to}
            onSelect={() => onSelect({ kind: "link", from, to })}
          />
        );
      })}
      {regions.map((region) => (
        <RegionButton
          key={region.id}
          region={region}
          at={spot(region.id)}
          pressed={selected.kind === "region" && selected.id === region.id}
          onSelect={() => onSelect({ kind: "region", id: region.id })}
        />
      ))}
      <RedisButton
        state={planet.redis}
        pressed={selected.kind === "redis"}
        onSelect={() => onSelect({ kind: "redis" })}
      />
    </div>
  );
}

function LinkLine({ link, a, b }: { link: LabLink; a: Spot; b: Spot }) {
  const whole = link.there && link.back;
  const delayed = link.delayMs !== link.usualDelayMs;
  return (
    <line
      x1={a.x}
      y1={a.y}
      x2={b.x}
      y2={b.y}
      vectorEffect="non-scaling-stroke"
      strokeWidth="2"
      strokeDasharray={whole ? (delayed ? "10 5" : undefined) : "3 7"}
      className={whole ? (delayed ? "stroke-warn" : "stroke-line-strong") : "stroke-bad"}
    />
  );
}

const AT = "absolute -translate-x-1/2 -translate-y-1/2 rounded-md border text-left shadow-raised";

function place({ x, y }: Spot) {
  return { left: `${x}%`, top: `${y}%` };
}

function chosen(pressed: boolean): string {
  return pressed ? "outline-2 outline-offset-2 outline-accent" : "";
}

/** What a link is in words: by colour alone nobody should have to tell. */
function linkWord({ there, back, delayMs, usualDelayMs }: LabLink): string {
  if (!there && !back) return "cut";
  if (!there || !back) return "cut one way";
  return delayMs === usualDelayMs ? `${delayMs} ms` : `${delayMs} ms, delayed`;
}

function LinkButton({
  link,
  names: [from, to],
  at,
  pressed,
  onSelect,
}: {
  link: LabLink;
  names: [string, string];
  at: Spot;
  pressed: boolean;
  onSelect: () => void;
}) {
  const whole = link.there && link.back;
  const word = linkWord(link);
  const oneWay =
    !whole &&
    (link.there
      ? `, nothing gets from ${to} to ${from}`
      : link.back
        ? `, nothing gets from ${from} to ${to}`
        : "");
  return (
    <button
      type="button"
      aria-pressed={pressed}
      aria-label={`Link ${from}–${to}: ${word}${oneWay || ""}`}
      data-link={`${link.from} ${link.to}`}
      onClick={onSelect}
      style={place(at)}
      className={cn(
        AT,
        "figures flex min-h-7 items-center gap-1 px-2 text-xs whitespace-nowrap hover:border-faint",
        whole ? "border-line-strong bg-surface text-ink" : "border-bad/40 bg-bad-tint text-bad",
        chosen(pressed),
      )}
    >
      {whole ? null : <Scissors aria-hidden className="size-3.5" />}
      {word}
    </button>
  );
}

function RegionButton({
  region,
  at,
  pressed,
  onSelect,
}: {
  region: LabRegion;
  at: Spot;
  pressed: boolean;
  onSelect: () => void;
}) {
  const { id, city, database, leading } = region;
  const well = (database === null || database === "running") && leading.kind !== "unknown";
  return (
    <button
      type="button"
      aria-pressed={pressed}
      data-region={id}
      data-database={database ?? "none"}
      data-leads={leading.kind === "leads" ? leading.epoch : undefined}
      onClick={onSelect}
      style={place(at)}
      className={cn(
        AT,
        "w-26 px-2 py-1.5 hover:border-faint sm:w-44 sm:px-3.5 sm:py-2",
        well ? "border-line-strong bg-surface" : "border-bad/40 bg-bad-tint",
        chosen(pressed),
      )}
    >
      <span className="flex items-center gap-1 text-sm font-semibold sm:gap-1.5">
        <RegionDot regionId={id} />
        {city}
        {leading.kind === "leads" ? (
          <Crown aria-hidden className="size-3.5 shrink-0 text-warn" />
        ) : null}
      </span>{" "}
      <span className={cn("block text-xs leading-snug", well ? "text-muted" : "text-bad")}>
        {regionWord(region)}
      </span>
    </button>
  );
}

function RedisButton({
  state,
  pressed,
  onSelect,
}: {
  state: PartState | null;
  pressed: boolean;
  onSelect: () => void;
}) {
  const well = state === "running";
  return (
    <button
      type="button"
      aria-pressed={pressed}
      data-redis={state ?? "none"}
      onClick={onSelect}
      style={place({ x: 50, y: 92 })}
      className={cn(
        AT,
        "flex min-h-8 items-center gap-1.5 px-2.5 text-xs whitespace-nowrap hover:border-faint",
        well || state === null
          ? "border-line-strong bg-surface text-ink"
          : "border-bad/40 bg-bad-tint text-bad",
        chosen(pressed),
      )}
    >
      <Database aria-hidden className="size-3.5" />
      Redis {partWord(state)}
    </button>
  );
}

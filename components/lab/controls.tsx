import { Button } from "@/components/ui/button";
import type { Fault } from "@/lib/lab/fault";
import type { LabLink, LabPlanet, LabRegion } from "@/lib/lab/lab-shape";
import type { PartState } from "@/lib/lab/planet-state";
import { clockWord, partWord } from "./lab-text";
import type { Selection } from "./planet-picture";

type Known = Extract<LabPlanet, { kind: "known" }>;

interface Action {
  label: string;
  fault: Fault;
  /** It would change nothing now. */
  idle: boolean;
  breaks: boolean;
}

/** Half a second each way: enough to see, and to outlast a lease. */
const DELAY_MS = 500;

/** Ten times what others accept of a stamp that is ahead, and longer than a lease. */
const CLOCK_MS = 5_000;

/** What can be done to the part of the planet that is chosen. */
export function Controls({
  planet,
  selected,
  disabled,
  onFault,
}: {
  planet: Known;
  selected: Selection;
  disabled: boolean;
  onFault: (fault: Fault) => void;
}) {
  const shown = describe(planet, selected);
  return (
    <section aria-labelledby="lab-controls" className="border-t border-line pt-4">
      <h3 id="lab-controls" className="font-semibold">
        {shown.title}
      </h3>
      <p className="mt-0.5 text-sm text-muted">{shown.text}</p>
      <div className="mt-3 flex flex-wrap gap-2">
        {shown.actions.map(({ label, fault, idle, breaks }) => (
          <Button
            key={label}
            variant={breaks ? "danger" : "plain"}
            disabled={disabled || idle}
            onClick={() => onFault(fault)}
          >
            {label}
          </Button>
        ))}
      </div>
    </section>
  );
}

function describe(planet: Known, selected: Selection) {
  switch (selected.kind) {
    case "region": {
      const region = planet.regions.find(({ id }) => id === selected.id);
      return region ? ofRegion(region) : NOTHING;
    }
    case "link": {
      const link = planet.links.find(
        ({ from, to }) => from === selected.from && to === selected.to,
      );
      const city = (id: string) => planet.regions.find((region) => region.id === id)?.city ?? id;
      return link ? ofLink(link, city(link.from), city(link.to)) : NOTHING;
    }
    case "redis":
      return ofRedis(planet.redis);
    default:
      return selected satisfies never;
  }
}

const NOTHING = { title: "Nothing is chosen", text: "", actions: [] as Action[] };

const ours = (state: PartState | null) => state !== null;
const up = (state: PartState | null) => state === "running" || state === "stopped";

function ofRegion({ id, city, database, worker, clockAheadMs }: LabRegion) {
  const of = (
    label: string,
    action: Extract<Fault, { kind: "database" }>["action"],
    useful: boolean,
    breaks = true,
  ): Action => ({
    label,
    fault: { kind: "database", region: id, action },
    idle: !ours(database) || !useful,
    breaks,
  });
  return {
    title: city,
    text: `Database ${partWord(database)}, worker ${partWord(worker)}, clock ${clockWord(clockAheadMs)}. A killed database is back after 10 s, a worker at once.`,
    actions: [
      of("Kill the database", "kill", up(database)),
      of("Kill it and keep it down", "keep-down", database !== "held"),
      of("Pause the database", "pause", database === "running"),
      of("Continue", "continue", database === "stopped", false),
      of("Bring it back now", "start", database === "held" || database === "down", false),
      {
        label: "Kill the worker",
        fault: { kind: "worker" as const, region: id, action: "kill" as const },
        idle: !ours(worker) || worker === "down",
        breaks: true,
      },
      ...[CLOCK_MS, -CLOCK_MS, 0].map((aheadMs) => ({
        label:
          aheadMs === 0
            ? "Set the clock right"
            : `Set the clock ${CLOCK_MS / 1_000} s ${aheadMs > 0 ? "ahead" : "back"}`,
        fault: { kind: "clock" as const, region: id, aheadMs },
        idle: clockAheadMs === null || clockAheadMs === aheadMs,
        breaks: aheadMs !== 0,
      })),
    ],
  };
}

function ofLink({ from, to, there, back, delayMs, usualDelayMs }: LabLink, a: string, b: string) {
  const of = (
    label: string,
    action: Extract<Fault, { kind: "link" }>["action"],
    idle: boolean,
    more: { delayMs?: number; breaks?: boolean } = {},
  ): Action => {
    const { breaks = true, ...time } = more;
    return { label, fault: { kind: "link", from, to, action, ...time }, idle, breaks };
  };
  const whole = there && back && delayMs === usualDelayMs;
  return {
    title: `${a} – ${b}`,
    text: `${delayMs} ms each way, ${usualDelayMs} ms without a fault. A cut swallows what is sent: connections stay open and hang.`,
    actions: [
      of(`Cut ${a} → ${b}`, "cut-there", !there && back),
      of(`Cut ${b} → ${a}`, "cut-back", there && !back),
      of("Cut both ways", "cut", !there && !back),
      of(`Delay to ${DELAY_MS} ms`, "delay", delayMs === DELAY_MS, { delayMs: DELAY_MS }),
      of("Heal", "heal", whole, { breaks: false }),
    ],
  };
}

function ofRedis(state: PartState | null) {
  const of = (
    label: string,
    action: Extract<Fault, { kind: "redis" }>["action"],
    useful: boolean,
    breaks = true,
  ): Action => ({
    label,
    fault: { kind: "redis", action },
    idle: !ours(state) || !useful,
    breaks,
  });
  return {
    title: "Redis",
    text: `Redis ${partWord(state)}. Nothing in it is the only copy of a write: without it everything is slower, and works.`,
    actions: [
      of("Kill Redis", "kill", up(state)),
      of("Kill it and keep it down", "keep-down", state !== "held"),
      of("Bring it back now", "start", state === "held" || state === "down", false),
    ],
  };
}

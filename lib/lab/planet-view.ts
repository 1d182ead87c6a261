import { defaultRuntime } from "@/lib/db/regions/runtime";
import { errorMessage } from "@/lib/errors";
import type { LeaderWatch } from "./invariants/leader-watch";
import type { LabPlanet, LabRegion } from "./lab-shape";
import type { PlanetClient } from "./planet-client";
import { isOpen, type PlanetState } from "./planet-state";

/** The planet as its control and its databases tell it, for the page. Never throws. */
export async function describePlanet(
  planet: Pick<PlanetClient, "state">,
  watch: Pick<LeaderWatch, "of">,
): Promise<LabPlanet> {
  try {
    return viewOf(await planet.state(), watch);
  } catch (error) {
    return { kind: "unknown", message: errorMessage(error) };
  }
}

function viewOf(
  { links, processes, clocks }: PlanetState,
  watch: Pick<LeaderWatch, "of">,
): LabPlanet {
  const { regions } = defaultRuntime().topology;
  const part = (name: string) => processes.find((process) => process.name === name)?.state ?? null;
  const pairs = regions.flatMap((from, index) =>
    regions.slice(index + 1).map((to) => [from.id, to.id] as const),
  );
  return {
    kind: "known",
    redis: part("redis"),
    regions: regions.map(({ id, city }) => ({
      id,
      city,
      database: part(`postgres-${id}`),
      worker: part(`worker-${id}`),
      clockAheadMs: clocks.find(({ region }) => region === id)?.aheadMs ?? null,
      leading: leadingOf(watch.of(id)),
    })),
    links: pairs.map(([from, to]) => {
      const link = links.find((each) => each.from === from && each.to === to);
      return {
        from,
        to,
        there: isOpen(links, from, to),
        back: isOpen(links, to, from),
        delayMs: link?.delayMs ?? 0,
        usualDelayMs: link?.usualDelayMs ?? 0,
      };
    }),
  };
}

function leadingOf(answer: ReturnType<LeaderWatch["of"]>): LabRegion["leading"] {
  return answer.kind === "leads" ? { kind: "leads", epoch: `${answer.epoch}` } : answer;
}

import { phaseAtMs } from "@/scripts/drill/chaos/history";
import type { RegionState } from "@/scripts/drill/chaos/region-state";
import type { Checker } from "./run";

/** From the end of the last fault until all regions have the same, in ms. */
export const CONVERGE_WITHIN_MS = 60_000;

/** All regions have the same, and soon enough, and nothing is left that one of them could not apply. */
export const convergence: Checker = {
  name: "convergence",
  check({ events, states }) {
    const found = [
      ...differences(states),
      ...states.flatMap(({ region, parked }) =>
        parked.map((row) => `${region} could not apply what became of ${row}`),
      ),
    ];
    const healedMs = phaseAtMs(events, "healed");
    const convergedMs = phaseAtMs(events, "converged");
    if (healedMs === null) found.push("The faults were never all undone");
    else if (convergedMs === null) found.push("The regions did not come to the same");
    else if (convergedMs - healedMs > CONVERGE_WITHIN_MS)
      found.push(`It took ${Math.round(convergedMs - healedMs)} ms until all regions had the same`);
    return found;
  },
};

/** Rows that some regions have otherwise than others, or not at all. */
export function differences(states: readonly Pick<RegionState, "region" | "rows">[]): string[] {
  const versions = new Map<string, Map<string, string>>();
  for (const { region, rows } of states) {
    for (const { entity, id, digest } of rows) {
      const name = `${entity}/${id}`;
      const of = versions.get(name) ?? new Map<string, string>();
      versions.set(name, of.set(region, digest));
    }
  }
  return [...versions].flatMap(([name, of]) => {
    const lacking = states.filter(({ region }) => !of.has(region)).map(({ region }) => region);
    if (lacking.length > 0) return [`${name} is not in ${lacking.join(", ")}`];
    return new Set(of.values()).size > 1 ? [`${name} differs between regions`] : [];
  });
}

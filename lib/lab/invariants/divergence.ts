import { mergePositions, missingPositions, type Positions } from "@/lib/db/sessions/positions";
import type { Answers, RegionAnswer } from "./ledger";

interface Difference {
  /** Versions by region, joined. */
  signature: string;
  /** All that any region had written when it was seen. */
  upTo: Positions;
}

/**
 * Two regions may hold different versions of a row while news is on its way. They diverge once every region
 * has applied all that had been written when the difference was seen, and the versions are still the same
 * two: nothing that made them is missing anywhere, and they were not joined to one.
 */
export class DivergenceWatch {
  private readonly differences = new Map<string, Difference>();
  private readonly found = new Set<string>();

  /** Returns the ids of what is newly known to diverge. Nothing is told apart while a region is silent. */
  look(answers: Answers): string[] {
    const all = [...answers.values()];
    if (!all.every((answer): answer is RegionAnswer => answer !== null)) return [];
    const ids = new Set(all.flatMap(({ versions }) => [...versions.keys()]));
    const fresh: string[] = [];
    for (const id of ids) {
      const versions = all.map((answer) => answer.versions.get(id));
      // One that has not arrived everywhere is for the ledger.
      if (versions.includes(undefined) || new Set(versions).size === 1) {
        this.differences.delete(id);
        this.found.delete(id);
        continue;
      }
      const signature = versions.join(" ");
      const before: Difference | undefined = this.differences.get(id);
      if (!before || before.signature !== signature) {
        const upTo = mergePositions(...all.map(({ shown }) => shown));
        this.differences.set(id, { signature, upTo });
      } else if (
        !this.found.has(id) &&
        all.every(({ applied }) => missingPositions(before.upTo, applied).size === 0)
      ) {
        this.found.add(id);
        fresh.push(id);
      }
    }
    return fresh;
  }

  get count(): number {
    return this.found.size;
  }
}

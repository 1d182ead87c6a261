import { NOTHING, type Positions } from "@/lib/db/sessions/positions";
import { appliedEverywhere, type Overview } from "./overview";
import type { RegionId } from "./region-id";

/**
 * How long something has to have been everywhere before sessions forget it, in ms. Longer than an answer is kept in a
 * region's cache: one from before would else be shown to somebody who no longer asks for more.
 */
export const SETTLED_AFTER_MS = 10_000;

/** Between two floors that are remembered. */
const REMEMBER_EVERY_MS = 500;

interface Known {
  floor: Positions;
  atMs: number;
}

/** What every region has applied, now and some time ago, as each vantage came to know it. */
export class Floors {
  private readonly ofOverview = new WeakMap<Overview, Positions>();
  /** Oldest first; the first one is the newest that has settled, if any has. */
  private readonly known = new Map<RegionId, Known[]>();

  constructor(private readonly nowMs: () => number) {}

  /** Notes what follows from an overview, and returns it. */
  of(vantage: RegionId, overview: Overview): Positions {
    let floor = this.ofOverview.get(overview);
    if (!floor) {
      this.ofOverview.set(overview, (floor = appliedEverywhere(overview)));
      this.note(vantage, floor);
    }
    return floor;
  }

  /** What was known to be everywhere SETTLED_AFTER_MS ago. */
  settled(vantage: RegionId): Positions {
    const known = this.known.get(vantage) ?? [];
    const untilMs = this.nowMs() - SETTLED_AFTER_MS;
    while (known[1] && known[1].atMs <= untilMs) known.shift();
    return known[0] && known[0].atMs <= untilMs ? known[0].floor : NOTHING;
  }

  private note(vantage: RegionId, floor: Positions): void {
    const known = this.known.get(vantage) ?? [];
    const last = known.at(-1);
    if (last && this.nowMs() - last.atMs < REMEMBER_EVERY_MS) return;
    known.push({ floor, atMs: this.nowMs() });
    this.known.set(vantage, known);
    // Also where nobody asks what has settled.
    this.settled(vantage);
  }
}

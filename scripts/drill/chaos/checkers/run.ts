import type { Stamp } from "@/scripts/drill/chaos/calls";
import {
  operationsOf,
  type HistoryEvent,
  type Operation,
  type WentBack,
} from "@/scripts/drill/chaos/history";
import type { RegionState } from "@/scripts/drill/chaos/region-state";

/** What a drill left behind, and all that a checker gets to see. */
export interface Run {
  events: readonly HistoryEvent[];
  operations: readonly Operation[];
  states: readonly RegionState[];
}

export interface Checker {
  name: string;
  /** One sentence for each violation. Pure. */
  check(run: Run): string[];
}

export function runOf(events: readonly HistoryEvent[], states: readonly RegionState[]): Run {
  return { events, operations: operationsOf(events), states };
}

/**
 * Whether a version may be gone because its region went back to an older database: it was neither in what was
 * put back nor applied anywhere else. `pinned`: no other region may have it, so what those applied says nothing.
 */
export function mayBeGone(
  events: readonly HistoryEvent[],
  pinned = false,
): (stamp: Stamp) => boolean {
  const back = events.filter((event): event is WentBack => event.type === "went-back");
  return ({ origin, position }) =>
    back.some(
      ({ actor, copied, told }) =>
        actor === origin &&
        BigInt(position) >= BigInt(copied) &&
        (pinned || BigInt(position) > BigInt(told)),
    );
}

/** Values that occur more than once. */
export function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(values.filter((value) => seen.size === seen.add(value).size))];
}

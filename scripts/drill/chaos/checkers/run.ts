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

const wentBack = (events: readonly HistoryEvent[]) =>
  events.filter((event): event is WentBack => event.type === "went-back");

/**
 * Whether a version may be gone because its region went back to an older database: it was neither in what was
 * put back nor applied anywhere else.
 */
export function mayBeGone(events: readonly HistoryEvent[]): (stamp: Stamp) => boolean {
  const back = wentBack(events);
  return ({ origin, position }) =>
    back.some(
      ({ actor, copied, told }) =>
        actor === origin && BigInt(position) >= BigInt(copied) && BigInt(position) > BigInt(told),
    );
}

/**
 * The same of what only one region may have: what others applied says nothing. It is gone with the region's files if those
 * are lost, whoever wrote it, and if they are put back with what was written since the copy.
 */
export function mayBeGoneFrom(
  events: readonly HistoryEvent[],
  region: string,
): (stamp: Stamp, writtenMs: number) => boolean {
  const back = wentBack(events).filter((event) => event.region === region);
  return ({ origin, position }, writtenMs) =>
    back.some(
      ({ actor, copied, atMs }) =>
        writtenMs < atMs &&
        (copied === "0" || (actor === origin && BigInt(position) >= BigInt(copied))),
    );
}

/** Values that occur more than once. */
export function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(values.filter((value) => seen.size === seen.add(value).size))];
}

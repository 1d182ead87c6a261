import type { PartState } from "./planet-state";
import type { StoryProgress } from "./stories/progress";

/* What the lab's page and its routes say to each other, as JSON. */

export interface LabRegion {
  id: string;
  city: string;
  /** Null: not of this planet, but given by the environment. */
  database: PartState | null;
  worker: PartState | null;
  /** Of the machine's clock; negative: behind. Null: it can't be set. */
  clockAheadMs: number | null;
  /** As its own database says, asked directly. Unknown where it does not answer. */
  leading: { kind: "leads"; epoch: string } | { kind: "follows" } | { kind: "unknown" };
}

export interface LabLink {
  from: string;
  to: string;
  /** Whether anything gets there, and back. */
  there: boolean;
  back: boolean;
  delayMs: number;
  usualDelayMs: number;
}

export type LabPlanet =
  | { kind: "known"; regions: LabRegion[]; links: LabLink[]; redis: PartState | null }
  | { kind: "unknown"; message: string };

/** What the client counted since it was started or reset. */
export interface Invariants {
  /** Writes that the application said are written: rows that need a leader, and lines of a document. */
  acknowledged: number;
  /** Of these: found in every region. */
  everywhere: number;
  /** Not looked for yet, or missing in a region that has not been told of them. */
  onTheWay: number;
  /** Not missing where it could be asked for; some region could not be asked. */
  unknown: number;
  /** Missing in a region that has applied everything up to and past them. Must be zero. */
  lost: number;
  /** Not acknowledged, and the application said so. */
  refused: number;
  /** Neither acknowledged nor refused: a region did not answer in time. */
  indeterminate: number;
  /** Reads of a session right after its write, in another region. */
  reads: number;
  /** Of these: without the write, and the receipt did not say so. Must be zero. */
  staleReads: number;
  /** Without the write, and the receipt said that it may be missing. */
  toldStale: number;
  /** No region answered. */
  unansweredReads: number;
  /** Moments in which a region led an epoch after a later one had been led. Must be zero. */
  dualLeaders: number;
  /** Regions that say that they lead, now. */
  leaders: { regionId: string; epoch: string }[];
  /** Regions that could not be asked whether they lead. */
  silent: string[];
  /** Rows and documents whose versions differ, though all that made them so is everywhere. Must be zero. */
  divergent: number;
  /** ISO 8601; null before the first look into all regions. */
  checkedAt: string | null;
}

export const NOTHING_COUNTED: Invariants = {
  acknowledged: 0,
  everywhere: 0,
  onTheWay: 0,
  unknown: 0,
  lost: 0,
  refused: 0,
  indeterminate: 0,
  reads: 0,
  staleReads: 0,
  toldStale: 0,
  unansweredReads: 0,
  dualLeaders: 0,
  leaders: [],
  silent: [],
  divergent: 0,
  checkedAt: null,
};

export function violationsIn(counted: Invariants): number {
  return counted.lost + counted.staleReads + counted.dualLeaders + counted.divergent;
}

export interface LabEvent {
  id: number;
  /** ISO 8601. */
  at: string;
  /** Who did it, or that it happened. */
  kind: "done" | "happened" | "violation";
  text: string;
}

export interface LabState {
  planet: LabPlanet;
  load: { on: boolean; /** ISO 8601; when it stops by itself. */ until: string | null };
  invariants: Invariants;
  /** Newest first. */
  timeline: LabEvent[];
  story: StoryProgress | null;
  resetting: boolean;
}

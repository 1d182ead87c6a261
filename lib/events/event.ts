/* What `GET /api/regions/events` answers. Pages read it, so nothing here needs a database. */

/** As in the table mr.event. */
export const EVENT_KINDS = [
  "leader",
  "unreachable",
  "reachable",
  "stalled",
  "unstalled",
  "bus-degraded",
  "bus-restored",
  "worker-back",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Something that began or ended, as the workers of some regions noticed within 5 s. */
export interface RegionEvent {
  id: string;
  /** ISO 8601, of whoever noticed first. */
  at: string;
  kind: EventKind;
  /** The region that it is about. */
  subject: string;
  /** `leader`: the epoch. `stalled`: the reason. `worker-back`: seconds of silence. */
  detail: string;
  seenBy: string[];
}

export interface EventAnswer {
  events: RegionEvent[];
  /** Regions that did not answer: what only they saw is not in it. */
  missing: string[];
}

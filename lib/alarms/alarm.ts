/* What `GET /api/regions/alarms` answers. Pages read it, so nothing here needs a database. */

/** In the order in which they are told; what explains others comes first. */
export const ALARM_KINDS = [
  "region-unreachable",
  "no-majority",
  "no-leader",
  "read-only",
  "not-ready",
  "worker-silent",
  "stream-stalled",
  "clock-offset",
  "long-transaction",
  "redis-gone",
] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

/** `critical`: something does not work now. `warning`: it works, and slower or not for long. */
export type AlarmSeverity = "critical" | "warning";

export interface Alarm {
  /** The same for as long as it is about the same. */
  id: string;
  kind: AlarmKind;
  severity: AlarmSeverity;
  /** Null: it is of no single region. */
  regionId: string | null;
  title: string;
  cause: string;
  whatToDo: string;
  /** ISO 8601, where it is known. */
  since?: string;
  /** What to look for, such as the pid of a transaction. */
  details?: { label: string; value: string }[];
}

export interface AlarmAnswer {
  alarms: Alarm[];
  /** ISO 8601. */
  checkedAt: string;
}

/* What `/api/regions/check` answers. Pages read it, so nothing here needs a database. */

/** Rows that regions have differently. */
export interface CheckDifference {
  entity: string;
  id: string;
  kind: "missing" | "clock" | "content";
}

export interface CheckSummary {
  /** `incomparable`: nothing is known to differ, and not everything could be compared. */
  outcome: "equal" | "different" | "incomparable";
  compared: string[];
  rows: number;
  differences: number;
  /** Some of them. */
  examples: CheckDifference[];
  /** Rows that may only have been under way. */
  unsettled: number;
  failures: { region: string; reason: string }[];
  ms: number;
}

/** A comparison of all regions that somebody asked for. Times are ISO 8601. */
export interface RepairCheck {
  id: string;
  requestedBy: string;
  requestedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  report: CheckSummary | null;
  error: string | null;
}

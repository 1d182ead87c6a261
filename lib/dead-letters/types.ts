/** What a person may decide about the dead letters of a row, and what came of it. */
export type DeadLetterOutcome =
  | { kind: "nothing" }
  /** More events of the row have been parked since it was shown. */
  | { kind: "stale" }
  | { kind: "drained"; events: number }
  | { kind: "edited"; events: number; columns: string[] }
  /** `kept`: every region takes the row as it is in this one. Else the regions stay different. */
  | { kind: "discarded"; events: number; kept: boolean }
  | { kind: "failing"; sqlstate: string; message: string }
  /** Columns that do not exist, or that cannot be set to such a value. */
  | { kind: "refused"; columns: string[] }
  /** The entity is written by the leader alone. */
  | { kind: "elsewhere"; leader: string };

/** A row with events that a region could not apply. */
export interface ParkedRow {
  entity: string;
  entityId: string;
  events: number;
  sqlstate: string | null;
  message: string | null;
  attempts: number;
  origins: string[];
  since: string;
  /** When it is retried next. */
  dueAt: string;
}

export interface ParkedEvent {
  /** Position in the region's order of arrival, as decimal text. */
  id: string;
  actor: string;
  position: string;
  status: "parked" | "following";
  schemaVersion: number;
  sqlstate: string | null;
  message: string | null;
  attempts: number;
  at: string;
  event: Record<string, unknown>;
}

export interface ParkedRowDetail {
  events: ParkedEvent[];
  /** The row as the region has it; null where it has none. */
  here: Record<string, unknown> | null;
  /** What may be set of the row that the events make of it. */
  editable: Record<string, unknown>;
  leader: string;
  /** Whether the region may write the entity. */
  mayWrite: boolean;
}

export interface AuditEntry {
  id: string;
  at: string;
  /** A user's id; null: the region itself. */
  actor: string | null;
  action: string;
  subject: string;
  result: string;
}

import type { Choice, ConflictVersion, Json } from "@/lib/db/conflicts/conflict-record";
import type { HeldState } from "@/lib/db/conflicts/resolve-conflict";
import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import type { Actor, Person, Refused } from "@/lib/documents/types";

export type { Choice, ConflictVersion, Json } from "@/lib/db/conflicts/conflict-record";

/** Open: for a person. Automatic: a strategy chose. Decided: by a person, or a custom strategy. */
export const CONFLICT_STATUSES = ["open", "automatic", "decided"] as const;
export type ConflictStatus = (typeof CONFLICT_STATUSES)[number];

/** Who asks. An administrator sees every conflict, anyone else those of documents they own and of articles they wrote. */
export interface ConflictReader extends Actor {
  admin: boolean;
}

/** Place in the list: the last conflict of the page before. */
export interface ConflictCursor {
  /** ISO 8601. */
  detectedAt: string;
  id: string;
}

export interface ConflictFilter {
  status?: ConflictStatus;
  entityType?: string;
  /** Beginning of the id of a conflict or of a row. */
  search?: string;
  /** Conflicts of one document, its collaborators included. */
  documentId?: string;
  /** Conflicts of one article. */
  articleId?: string;
  before?: ConflictCursor;
  limit?: number;
}

export interface ConflictDecision {
  choice: Choice;
  by: Person;
  at: string;
}

export interface ConflictItem {
  id: string;
  entityType: string;
  entityId: string;
  /** A column, "*" for the whole row, "$deleted" for a deletion against an update. */
  field: string;
  strategy: string;
  status: ConflictStatus;
  versions: number;
  detectedAt: string;
  /** The region whose database noticed it first. */
  detectedIn: string;
  /** The document that it is about, where it is about one and this region knows it. */
  document: { id: string; title: string; deleted: boolean } | null;
  /** The article, likewise. */
  article: { id: string; title: string } | null;
  decision: ConflictDecision | null;
}

export type ConflictCounts = Record<ConflictStatus, number>;

export interface ConflictList {
  items: ConflictItem[];
  /** Of all pages, whatever the status asked for. */
  counts: ConflictCounts;
  next: ConflictCursor | null;
}

export interface VersionInConflict extends Omit<ConflictVersion, "author"> {
  author: Person | null;
  /** When it was written, by its HLC. ISO 8601. */
  at: string;
}

/** What the field is now. */
export interface CurrentState {
  /** More than one while it waits for a decision. */
  versions: VersionInConflict[];
  clock: VectorClock;
  deleted: boolean;
  /** Null for a row of another kind than documents. */
  title: string | null;
}

export interface ConflictView extends Omit<ConflictItem, "versions" | "decision"> {
  versions: VersionInConflict[];
  decision: (ConflictDecision & { value: Json; writtenClock: VectorClock }) | null;
  /** Null where this region does not know the row, or nobody can change it. */
  current: CurrentState | null;
  /** The joined clock of everything above: what a decision made on this is based on. */
  shown: VectorClock;
}

/** On `stale`: what the field holds now, which the decision did not know of. */
export type ResolveRefusal =
  Refused | { ok: false; code: "stale"; message: string; state: HeldState };

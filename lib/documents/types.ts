import type { RegionId } from "@/lib/db/multi-region-config";
import type { Receipt } from "@/lib/db/read-your-writes";
import type { Positions } from "@/lib/db/sessions/positions";
import type { SessionToken } from "@/lib/db/sessions/token";
import type { ListCursor } from "./list-query";

export const TITLE_MAX = 200;
export const SUMMARY_MAX = 500;
export const CONTENT_MAX = 100_000;

/** Vector clock of a row: actor to number of its writes. */
export type DocumentClock = Record<string, number>;

export const COLLABORATOR_ROLES = ["viewer", "editor"] as const;
export type CollaboratorRole = (typeof COLLABORATOR_ROLES)[number];

/** What the caller may do with a document. */
export type Access = "owner" | CollaboratorRole;

/** Who acts, from where, and what their session has seen. */
export interface Actor {
  userId: string;
  vantage: RegionId;
  token?: SessionToken;
}

/** A person as far as this region knows them; a dangling reference has no name. */
export interface Person {
  userId: string;
  name: string | null;
}

export interface DocumentRow {
  id: string;
  title: string;
  summary: string;
  content: string;
  clock: DocumentClock;
  /** The actor that wrote this version: a region, or `region#n` after its n-th rebuild. */
  origin: string;
  position: string;
  createdAt: string;
  updatedAt: string;
}

/** A document after a change, and what became of changes made at the same time. */
export interface UpdatedDocument extends DocumentRow {
  /** The text holds changes of others that the caller had not seen. */
  merged: boolean;
  /** The same lines were changed: both are in the text, between conflict markers. */
  flagged: boolean;
  /** Ids of the conflicts that this write recorded. */
  conflicts: string[];
}

export interface DocumentView extends DocumentRow {
  access: Access;
  /** A newer version is parked as a dead letter in the region that answered. */
  pending: boolean;
  owner: Person;
}

export interface DocumentListItem {
  id: string;
  title: string;
  excerpt: string;
  access: Access;
  owner: Person;
  origin: string;
  createdAt: string;
  updatedAt: string;
  collaborators: number;
}

export interface DocumentListPage {
  items: DocumentListItem[];
  /** Of the first document, where there may be others before it. */
  previous: ListCursor | null;
  next: ListCursor | null;
}

export interface CollaboratorView extends Person {
  email: string | null;
  role: CollaboratorRole;
}

export interface VersionView {
  id: string;
  title: string;
  summary: string;
  content: string;
  author: Person;
  regionId: string;
  createdAt: string;
}

export interface Written<T> {
  ok: true;
  value: T;
  receipt: Receipt;
  /** What the session must see from now on, for its cookie. */
  open: Positions;
}

export const REFUSALS = [
  "unauthenticated",
  "invalid",
  "not-found",
  "forbidden",
  "conflict",
  "behind",
  "unavailable",
] as const;
export type RefusalCode = (typeof REFUSALS)[number];

/** An expected outcome that wrote nothing. `message` is for the person at the form. */
export interface Refused {
  ok: false;
  code: RefusalCode;
  message: string;
  /** On `invalid`: the first complaint of each field. */
  fields?: Record<string, string>;
  /** On `conflict`: the version the region holds now; what the change started from can't be told. */
  current?: DocumentRow;
}

export type WriteOutcome<T> = Written<T> | Refused;

export function refused(
  code: RefusalCode,
  message: string,
  more: Pick<Refused, "fields" | "current"> = {},
): Refused {
  return { ok: false, code, message, ...more };
}

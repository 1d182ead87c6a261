import type { Confirmation } from "@/lib/db/writes/confirm-write";
import type { Route } from "@/lib/documents/acknowledge";
import type { DocumentClock, Person } from "@/lib/documents/types";
import type { RefusedMove } from "./workflow";

export const SLUG_MAX = 80;
export const TITLE_MAX = 200;
export const BODY_MAX = 50_000;

/** Of the working text; what the public sees is apart from it. */
export const STAGES = ["draft", "in-review", "approved"] as const;
export type Stage = (typeof STAGES)[number];

export const STATUSES = ["draft", "in-review", "scheduled", "published", "archived"] as const;
export type ContentStatus = (typeof STATUSES)[number];

/** What a row of the history says was done. */
export const VERSION_ACTIONS = [
  "created",
  "edited",
  "restored",
  "resolved",
  "submitted",
  "returned",
  "published",
  "scheduled",
  "unscheduled",
  "archived",
  "reopened",
] as const;
export type VersionAction = (typeof VERSION_ACTIONS)[number];

/** The fields that two editors may both have written; a person decides then. */
export const TEXT_FIELDS = ["title", "body"] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

export interface ContentRow {
  /** Its slug. */
  id: string;
  title: string;
  body: string;
  status: ContentStatus;
  /** The id of the version that the public sees; null for none. */
  publishedVersion: string | null;
  /** When another version is to become public, ISO 8601, and which; null for never. */
  publishAt: string | null;
  scheduledVersion: string | null;
  /** Fields that hold several versions until somebody decides. */
  undecided: TextField[];
  authorId: string;
  updatedBy: string | null;
  createdAt: string;
  updatedAt: string;
  clock: DocumentClock;
  origin: string;
  position: string;
}

export interface ContentVersionRow {
  id: string;
  contentId: string;
  action: VersionAction;
  title: string;
  body: string;
  publishAt: string | null;
  contentClock: DocumentClock;
  author: Person;
  regionId: string;
  /** The actor whose write it was, and which of its writes on the article: "us-east-1 4". */
  name: string;
  createdAt: string;
}

/** A version that is public, as one region has it. */
export interface PublishedContent {
  /** Its slug. */
  id: string;
  title: string;
  body: string;
  versionId: string;
  /** See ContentVersionRow. */
  versionName: string;
  author: string | null;
  /** Where and when it was published, by that region's clock. ISO 8601. */
  publishedIn: string;
  publishedAt: string;
}

export interface ContentStamp {
  id: string;
  origin: string;
  position: bigint;
}

export type ContentOutcome =
  | {
      kind: "written";
      item: ContentRow;
      versionId: string;
      stamp: ContentStamp;
      route: Route;
      confirmation: Confirmation;
    }
  /** The slug is another article's already. */
  | { kind: "taken" }
  /** It is unknown, or not this person's to change: they can't tell which. */
  | { kind: "not-found" }
  | { kind: "refused"; reason: RefusedMove }
  /** What the change starts from has not reached any region that answers. */
  | { kind: "behind" }
  /** No region answered. Whether it was written is not known. */
  | { kind: "unavailable"; detail: string };

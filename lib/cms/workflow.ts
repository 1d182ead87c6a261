import type { ContentStatus, Stage, VersionAction } from "./types";

/*
 * The life of an article. Its state is three registers that each merge by themselves:
 *
 *   stage     of the working text: draft, in review, approved
 *   live      the version that the public sees, none, or none any more
 *   schedule  a version that will be live at a time; pending while it was decided after `live`
 *
 * A change moves some of them and leaves the others, so that no merge of two regions' changes makes a state
 * that has no meaning: a draft may well have a public version, and a text that is in review one that is due.
 */

export type Live = "never" | "pinned" | "withdrawn";

export interface ContentState {
  stage: Stage;
  live: Live;
  /** Whether a version is to become public by itself. */
  pending: boolean;
  /** Whether several versions of the text wait for somebody to choose. */
  undecided: boolean;
}

export const MOVES = [
  "edit",
  "restore",
  "submit",
  "return",
  "publish",
  "schedule",
  "unschedule",
  "archive",
  "reopen",
] as const;
export type Move = (typeof MOVES)[number];

/** A reviewer is an administrator; an author has written a version of the article. */
export type Role = "reviewer" | "author";

export const MOVE_REFUSALS = [
  "reviewers-only",
  "not-from-here",
  "undecided",
  "changed-since",
  "in-the-past",
  "unchanged",
  "no-such-version",
] as const;
export type RefusedMove = (typeof MOVE_REFUSALS)[number];

export type Decision =
  | {
      kind: "allowed";
      action: VersionAction;
      stage: Stage;
      live: "keep" | "pin" | "withdraw";
      schedule: "keep" | "set" | "clear";
    }
  | { kind: "refused"; reason: RefusedMove };

/** What the article is called, in a word. Total: a merge may make any combination. */
export function statusOf({ stage, live, pending }: Omit<ContentState, "undecided">): ContentStatus {
  if (stage !== "approved") return stage;
  if (live === "pinned") return "published";
  if (pending) return "scheduled";
  return live === "withdrawn" ? "archived" : "draft";
}

/** Moves that make a text public, or ask for it: it has to be one text. */
const NEEDS_ONE_TEXT: readonly Move[] = ["submit", "publish", "schedule"];
const FOR_REVIEWERS: readonly Move[] = ["publish", "schedule", "unschedule", "archive"];

/** From which state each move leads on; whether the text may still be undecided is asked apart. */
const POSSIBLE: Readonly<Record<Move, (state: ContentState) => boolean>> = {
  edit: () => true,
  restore: () => true,
  submit: (state) => statusOf(state) === "draft",
  return: ({ stage }) => stage === "in-review",
  publish: (state) => ["in-review", "scheduled"].includes(statusOf(state)),
  schedule: (state) => ["in-review", "scheduled"].includes(statusOf(state)),
  unschedule: ({ pending }) => pending,
  archive: (state) => statusOf(state) !== "archived",
  reopen: (state) => statusOf(state) === "archived",
};

/** Whether somebody may make a move, and what it changes. Decides; does nothing. */
export function decideMove(state: ContentState, move: Move, role: Role): Decision {
  if (role !== "reviewer" && FOR_REVIEWERS.includes(move)) return refuse("reviewers-only");
  if (!POSSIBLE[move](state)) return refuse("not-from-here");
  if (state.undecided && NEEDS_ONE_TEXT.includes(move)) return refuse("undecided");
  switch (move) {
    case "edit":
    case "restore": {
      // What an author changes has to be looked at again; a reviewer has looked at it.
      const stage = role === "reviewer" && state.stage === "in-review" ? "in-review" : "draft";
      const action = move === "edit" ? "edited" : "restored";
      return { kind: "allowed", action, stage, live: "keep", schedule: "keep" };
    }
    case "submit":
      return allow("submitted", "in-review");
    case "return":
      return allow("returned", "draft");
    case "publish":
      return { ...allow("published", "approved"), live: "pin" };
    case "schedule":
      return { ...allow("scheduled", "approved"), schedule: "set" };
    case "unschedule":
      // The text was approved for a time that will not come; a later one is what it was.
      return {
        ...allow("unscheduled", state.stage === "approved" ? "in-review" : state.stage),
        schedule: "clear",
      };
    case "archive":
      return { ...allow("archived", "approved"), live: "withdraw" };
    case "reopen":
      return allow("reopened", "draft");
    default:
      return move satisfies never;
  }
}

/** The moves that somebody may make now, for the buttons of a page. */
export function movesFor(state: ContentState, role: Role): Move[] {
  return MOVES.filter((move) => decideMove(state, move, role).kind === "allowed");
}

function allow(action: VersionAction, stage: Stage) {
  return { kind: "allowed", action, stage, live: "keep", schedule: "keep" } as const;
}

function refuse(reason: RefusedMove): Decision {
  return { kind: "refused", reason };
}

/**
 * `live` and `schedule` as the database keeps them: "<key> -", "<key> <version>" and "<key> <ms> <version>".
 * The key grows with each decision; a schedule is pending while its key is the later of the two.
 */
export function parseRegisters(live: string | null, schedule: string | null) {
  const [liveKey = "", liveVersion = "-"] = live?.split(" ") ?? [];
  const [scheduleKey = "", atMs = "-", scheduledVersion = null] = schedule?.split(" ") ?? [];
  const pending = atMs !== "-" && scheduleKey > liveKey;
  return {
    live: (live === null ? "never" : liveVersion === "-" ? "withdrawn" : "pinned") as Live,
    publishedVersion: liveVersion === "-" ? null : liveVersion,
    pending,
    publishAtMs: pending ? Number(atMs) : null,
    scheduledVersion: pending ? scheduledVersion : null,
  };
}

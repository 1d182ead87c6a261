import { describe, expect, it } from "vitest";
import { STAGES, STATUSES, type ContentStatus } from "@/lib/cms/types";
import {
  decideMove,
  MOVES,
  movesFor,
  parseRegisters,
  statusOf,
  type ContentState,
  type Move,
  type Role,
} from "@/lib/cms/workflow";

/** Every combination that merging can make. */
const STATES: ContentState[] = STAGES.flatMap((stage) =>
  (["never", "pinned", "withdrawn"] as const).flatMap((live) =>
    [false, true].flatMap((pending) =>
      [false, true].map((undecided) => ({ stage, live, pending, undecided })),
    ),
  ),
);

/** A state of each status, nothing of which is undecided. */
const STATE_OF: Record<ContentStatus, ContentState> = {
  draft: { stage: "draft", live: "never", pending: false, undecided: false },
  "in-review": { stage: "in-review", live: "never", pending: false, undecided: false },
  scheduled: { stage: "approved", live: "never", pending: true, undecided: false },
  published: { stage: "approved", live: "pinned", pending: false, undecided: false },
  archived: { stage: "approved", live: "withdrawn", pending: false, undecided: false },
};

const NO = "not-from-here";
const REVIEWERS = "reviewers-only";

/** The status after each move, or why it is refused: of a reviewer, and of an author. */
const TABLE: Record<Role, Record<ContentStatus, Record<Move, string>>> = {
  reviewer: {
    draft: row("draft", "draft", "in-review", NO, NO, NO, NO, "archived", NO),
    "in-review": row(
      ...(["in-review", "in-review", NO, "draft", "published"] as const),
      ...(["scheduled", NO, "archived", NO] as const),
    ),
    scheduled: row(
      ...(["draft", "draft", NO, NO, "published"] as const),
      ...(["scheduled", "in-review", "archived", NO] as const),
    ),
    published: row("draft", "draft", NO, NO, NO, NO, NO, "archived", NO),
    archived: row("draft", "draft", NO, NO, NO, NO, NO, NO, "draft"),
  },
  author: {
    draft: row("draft", "draft", "in-review", NO, REVIEWERS, REVIEWERS, REVIEWERS, REVIEWERS, NO),
    "in-review": row(
      ...(["draft", "draft", NO, "draft"] as const),
      ...([REVIEWERS, REVIEWERS, REVIEWERS, REVIEWERS, NO] as const),
    ),
    scheduled: row("draft", "draft", NO, NO, REVIEWERS, REVIEWERS, REVIEWERS, REVIEWERS, NO),
    published: row("draft", "draft", NO, NO, REVIEWERS, REVIEWERS, REVIEWERS, REVIEWERS, NO),
    archived: row("draft", "draft", NO, NO, REVIEWERS, REVIEWERS, REVIEWERS, REVIEWERS, "draft"),
  },
};

/** In the order of MOVES. */
function row(...outcomes: string[]): Record<Move, string> {
  return Object.fromEntries(MOVES.map((move, index) => [move, outcomes[index]])) as Record<
    Move,
    string
  >;
}

/** What the database makes of an allowed move. */
function after(state: ContentState, move: Move, role: Role): ContentState | string {
  const decision = decideMove(state, move, role);
  if (decision.kind === "refused") return decision.reason;
  return {
    stage: decision.stage,
    live: { keep: state.live, pin: "pinned", withdraw: "withdrawn" }[
      decision.live
    ] as ContentState["live"],
    // A publication that was decided later makes a schedule obsolete.
    pending:
      decision.schedule === "set" ||
      (decision.schedule === "keep" && decision.live === "keep" && state.pending),
    undecided: state.undecided,
  };
}

describe("the life of an article", () => {
  for (const role of ["reviewer", "author"] as const) {
    it.each(STATUSES.flatMap((status) => MOVES.map((move) => [status, move] as const)))(
      `of a ${role}: %s, %s`,
      (status, move) => {
        const end = after(STATE_OF[status], move, role);
        expect(typeof end === "string" ? end : statusOf(end)).toBe(TABLE[role][status][move]);
      },
    );
  }

  it("has a name for each state that merging can make", () => {
    for (const state of STATES) expect(STATUSES).toContain(statusOf(state));
  });

  it("makes a text public by a reviewer's move alone, and only one text", () => {
    for (const state of STATES) {
      for (const move of MOVES) {
        const byAuthor = decideMove(state, move, "author");
        if (byAuthor.kind === "allowed") {
          expect(byAuthor).toMatchObject({ live: "keep", schedule: "keep" });
          expect(byAuthor.stage).not.toBe("approved");
        }
        const decision = decideMove({ ...state, undecided: true }, move, "reviewer");
        if (decision.kind !== "allowed") continue;
        expect([decision.live, decision.schedule]).not.toContain("pin");
        expect(decision.schedule).not.toBe("set");
      }
    }
  });

  it("leaves what is public alone while a later text is drafted and reviewed", () => {
    const state: ContentState = { ...STATE_OF.published };
    for (const move of ["edit", "restore"] as const) {
      expect(after(state, move, "author")).toMatchObject({ live: "pinned", stage: "draft" });
    }
    const drafted = { ...state, stage: "draft" as const };
    expect(after(drafted, "submit", "author")).toMatchObject({ live: "pinned" });
  });

  it("has a way out of every state", () => {
    for (const state of STATES) {
      expect(movesFor(state, "author").length).toBeGreaterThan(0);
      expect(movesFor(state, "reviewer")).toContain("edit");
    }
  });
});

describe("what is public, and what is to be", () => {
  const key = (n: number) => String(n).padStart(15, "0");
  const schedule = `${key(20)} ${String(5_000).padStart(13, "0")} v2`;

  it("is nothing at first", () => {
    expect(parseRegisters(null, null)).toMatchObject({
      live: "never",
      publishedVersion: null,
      pending: false,
    });
  });

  it.each([
    ["before anything was published", null, true],
    ["after an earlier publication", `${key(10)} v1`, true],
    ["not once it is published", `${key(20)} v2:due`, false],
    ["not after a later publication", `${key(21)} v3`, false],
    ["not after it was taken down", `${key(21)} -`, false],
  ])("is due %s", (_, live, pending) => {
    expect(parseRegisters(live, schedule)).toMatchObject({
      pending,
      publishAtMs: pending ? 5_000 : null,
      scheduledVersion: pending ? "v2" : null,
    });
  });

  it("is not due once it was called off", () => {
    expect(parseRegisters(null, `${key(21)} -`).pending).toBe(false);
  });
});

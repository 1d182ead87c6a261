import { acknowledge } from "@/lib/documents/acknowledge";
import {
  refused,
  type Actor,
  type DocumentClock,
  type Refused,
  type WriteOutcome,
} from "@/lib/documents/types";
import { multiRegionCms, type ContentUpdates } from "./content-sync";
import type { ContentOutcome, ContentRow } from "./types";
import type { Move, RefusedMove } from "./workflow";

/* Changes on behalf of a session: it sees them from now on, wherever it reads. */

export const NO_ARTICLE = refused(
  "not-found",
  "There is no such article, or it is not yours to change.",
);

const REFUSALS: Readonly<Record<RefusedMove, Refused>> = {
  "reviewers-only": refused("forbidden", "Only a reviewer may do that."),
  "not-from-here": refused(
    "conflict",
    "That is not possible from where the article is now. Look at it again.",
  ),
  undecided: refused(
    "conflict",
    "Two versions of the text wait for a decision. Decide first, under Conflicts.",
  ),
  "changed-since": refused(
    "conflict",
    "It was changed after you opened this page. Nothing was done; look at it again.",
  ),
  "in-the-past": refused("invalid", "That time has passed.", {
    fields: { publishAt: "That time has passed." },
  }),
  unchanged: refused("invalid", "Nothing to change: the article says that already."),
  "no-such-version": refused("not-found", "The article has no such version here."),
};

export async function createContent(
  actor: Actor,
  input: { slug: string; title: string; body: string },
): Promise<WriteOutcome<ContentRow>> {
  const startedMs = performance.now();
  const outcome = await multiRegionCms.createContent(input, actor.userId, actor.vantage);
  return told(actor, startedMs, outcome);
}

export async function updateContent(
  actor: Actor,
  input: { contentId: string; baseVersion: DocumentClock } & ContentUpdates,
): Promise<WriteOutcome<ContentRow>> {
  const startedMs = performance.now();
  const { contentId, baseVersion, title, body } = input;
  const updates = { title, body };
  const { userId, vantage } = actor;
  return told(
    actor,
    startedMs,
    await multiRegionCms.updateContent(contentId, userId, vantage, updates, baseVersion),
  );
}

export async function moveContent(
  actor: Actor,
  input: {
    contentId: string;
    baseVersion: DocumentClock;
    move: Exclude<Move, "edit">;
    publishAt?: number | undefined;
    versionId?: string | undefined;
  },
): Promise<WriteOutcome<ContentRow>> {
  const startedMs = performance.now();
  const { contentId, move, baseVersion, publishAt: publishAtMs, versionId } = input;
  const { userId, vantage } = actor;
  const options = { publishAtMs, versionId };
  return told(
    actor,
    startedMs,
    await multiRegionCms.moveContent(contentId, userId, vantage, move, baseVersion, options),
  );
}

async function told(
  actor: Actor,
  startedMs: number,
  outcome: ContentOutcome,
): Promise<WriteOutcome<ContentRow>> {
  switch (outcome.kind) {
    case "written": {
      const { item, route, stamp } = outcome;
      const { id, origin, position } = stamp;
      const event = { entityType: "ContentItem" as const, entityId: id, origin, position };
      return acknowledge(actor, startedMs, route, event, item);
    }
    case "taken":
      return refused("invalid", "That address is taken.", {
        fields: { slug: "Another article has that address already." },
      });
    case "not-found":
      return NO_ARTICLE;
    case "refused":
      return REFUSALS[outcome.reason];
    case "behind":
      return refused(
        "behind",
        "The version you started from has not reached any region that answers. Nothing was saved; try again in a moment.",
      );
    case "unavailable":
      return refused(
        "unavailable",
        "No region answered. Whether it was saved is not known: look before you try again.",
      );
    default:
      return outcome satisfies never;
  }
}

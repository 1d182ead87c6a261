import { defaultRuntime } from "@/lib/db/regions/runtime";
import { acknowledge } from "@/lib/documents/acknowledge";
import {
  refused,
  type Actor,
  type DocumentClock,
  type Refused,
  type WriteOutcome,
} from "@/lib/documents/types";
import { placementBy, type PlacementRule } from "@/lib/residency/placements";
import { multiRegionCms, type ContentUpdates } from "./content-sync";
import { placeContent } from "./place";
import { moveArticle } from "./statements";
import type { ContentOutcome, ContentRow } from "./types";
import type { Move, RefusedMove } from "./workflow";

/* Changes on behalf of a session: it sees them from now on, wherever it reads. */

export const NO_ARTICLE = refused(
  "not-found",
  "There is no such article, or it is not yours to change.",
);

const UNAVAILABLE = refused(
  "unavailable",
  "No region answered. Whether it was saved is not known: look before you try again.",
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
  input: { slug: string; title: string; body: string; residency?: string | undefined },
): Promise<WriteOutcome<ContentRow>> {
  const startedMs = performance.now();
  const { residency, ...article } = input;
  const placement = residency === undefined ? undefined : placementBy("ContentItem", residency);
  if (placement && "ok" in placement) return placement;
  const draft = { ...article, placement };
  const outcome = await multiRegionCms.createContent(draft, actor.userId, actor.vantage);
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

/**
 * Says where an article may be from now on, its history with it. It is said where the article is; the regions
 * then copy its rows in or take them away, on their own time.
 */
export async function changeArticleResidency(
  actor: Actor,
  input: { contentId: string; residency: string | null },
): Promise<WriteOutcome<PlacementRule>> {
  const startedMs = performance.now();
  const rule = placementBy("ContentItem", input.residency);
  if ("ok" in rule) return rule;
  const { contentId: id } = input;
  const placed = await placeContent(
    defaultRuntime,
    actor.vantage,
    { contentId: id },
    (db) => moveArticle(db, { id, userId: actor.userId, ...rule }),
    (row) => row === null,
  );
  if (placed.kind === "unavailable") return UNAVAILABLE;
  const { value, route } = placed;
  if (!value?.readable) return NO_ARTICLE;
  if (!value.allowed) {
    return refused("forbidden", "Only the author or a reviewer can say where an article is kept.");
  }
  if (value.origin === null || value.position === null) return NO_ARTICLE;
  const { origin, position } = value;
  const event = { entityType: "Placement", entityId: id, origin, position } as const;
  return acknowledge(actor, startedMs, route, event, rule);
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
      return UNAVAILABLE;
    default:
      return outcome satisfies never;
  }
}

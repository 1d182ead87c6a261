import type { ContentRow, ContentVersionRow, TextField } from "./types";
import type { StoredContent, StoredVersion } from "./statements";
import { parseRegisters, statusOf, type ContentState } from "./workflow";

/* Rows as pages get them: positions and instants as text. */

export function stateOf(row: StoredContent): ContentState {
  const { live, pending } = parseRegisters(row.live, row.schedule);
  return {
    stage: row.stage,
    live,
    pending,
    undecided: row.undecidedTitle || row.undecidedBody,
  };
}

export function toContentRow(row: StoredContent): ContentRow {
  const registers = parseRegisters(row.live, row.schedule);
  const { publishAtMs } = registers;
  const undecided: TextField[] = [
    ...(row.undecidedTitle ? (["title"] as const) : []),
    ...(row.undecidedBody ? (["body"] as const) : []),
  ];
  return {
    id: row.id,
    title: row.title,
    body: row.body,
    status: statusOf({ stage: row.stage, ...registers }),
    publishedVersion: registers.publishedVersion,
    publishAt: publishAtMs === null ? null : new Date(publishAtMs).toISOString(),
    scheduledVersion: registers.scheduledVersion,
    undecided,
    authorId: row.authorId,
    updatedBy: row.updatedBy,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    clock: row.clock,
    origin: row.origin,
    position: String(row.position),
  };
}

export function toVersionRow(row: StoredVersion): ContentVersionRow {
  return {
    id: row.id,
    contentId: row.contentId,
    action: row.action,
    title: row.title,
    body: row.body,
    publishAt: row.publishAt?.toISOString() ?? null,
    contentClock: row.contentClock,
    author: { userId: row.authorId, name: row.authorName },
    regionId: row.regionId,
    name: versionName(row),
    createdAt: row.createdAt.toISOString(),
  };
}

/**
 * By the actor that wrote it and which of its writes on the article it was. Two regions that are cut off from
 * each other each write a fourth version; under this name there is only one of either. The row's own stamp does
 * not count: who sends the row once more is no author of the version.
 */
export function versionName({
  regionId,
  contentClock,
}: Pick<StoredVersion, "regionId" | "contentClock">): string {
  // After a rebuild of its database a region writes as "region#n".
  const actors = Object.keys(contentClock)
    .filter((actor) => actor.split("#", 1)[0] === regionId)
    .sort((a, b) => incarnation(b) - incarnation(a));
  const actor = actors[0] ?? regionId;
  return `${actor} ${contentClock[actor] ?? 0}`;
}

const incarnation = (actor: string) => Number(actor.split("#")[1] ?? 0);

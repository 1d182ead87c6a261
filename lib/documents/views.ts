import { PAGE_SIZE, type DocumentSort, type ListCursor, type ListQuery } from "./list-query";
import type { ListRow } from "./list-rows";
import type { CollaboratorRow, PageRow, VersionRow } from "./queries";
import type { StoredDocument } from "./statements";
import { fromBase64 } from "./text/text-state";
import { textOf } from "./text/ytext";
import type {
  CollaboratorView,
  DocumentListItem,
  DocumentListPage,
  DocumentRow,
  DocumentView,
  VersionView,
} from "./types";

/* Rows as pages get them: positions and instants as text, people as far as they are known. */

export function toDocumentRow(row: StoredDocument): DocumentRow {
  return {
    id: row.id,
    title: row.title,
    summary: row.summary,
    content: row.content,
    clock: row.clock,
    origin: row.origin,
    position: String(row.position),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export function toDocumentView(row: PageRow): DocumentView {
  return {
    ...toDocumentRow(row),
    // The stored content may be a moment behind the updates; the text is what they make.
    content: row.updates.length > 0 ? textOf(row.updates.map(fromBase64)) : row.content,
    access: row.access,
    pending: row.pending,
    owner: { userId: row.ownerId, name: row.ownerName },
  };
}

export function toListItem(row: ListRow): DocumentListItem {
  return {
    id: row.id,
    title: row.title,
    excerpt: row.excerpt,
    access: row.access,
    owner: { userId: row.ownerId, name: row.ownerName },
    origin: row.origin,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    collaborators: row.collaborators,
  };
}

/** `rows` as they were read: in the direction of the query, with one more where there is more. */
export function toListPage(rows: readonly ListRow[], query: ListQuery): DocumentListPage {
  const more = rows.length > PAGE_SIZE;
  const backwards = query.from?.towards === "before";
  const shown = rows.slice(0, PAGE_SIZE);
  if (backwards) shown.reverse();
  const first = shown.at(0);
  const last = shown.at(-1);
  // Where a page was come from is the other direction; what was there may be gone by now.
  return {
    items: shown.map(toListItem),
    previous: first && (backwards ? more : query.from) ? cursorOf(first, query.sort) : null,
    next: last && (backwards || more) ? cursorOf(last, query.sort) : null,
  };
}

function cursorOf(row: ListRow, sort: DocumentSort): ListCursor {
  switch (sort) {
    case "updated":
      return { key: row.updatedAt.toISOString(), id: row.id };
    case "created":
      return { key: row.createdAt.toISOString(), id: row.id };
    case "title":
      return { key: row.title, id: row.id };
    default:
      return sort satisfies never;
  }
}

export function toCollaboratorView(row: CollaboratorRow): CollaboratorView {
  return { userId: row.userId, name: row.name, email: row.email, role: row.role };
}

export function toVersionView(row: VersionRow): VersionView {
  return {
    id: row.id,
    title: row.title,
    summary: row.summary,
    content: row.content,
    author: { userId: row.authorId, name: row.authorName },
    regionId: row.regionId,
    createdAt: row.createdAt.toISOString(),
  };
}

import type { CollaboratorRow, ListRow, PageRow, VersionRow } from "./queries";
import type { StoredDocument } from "./statements";
import { fromBase64 } from "./text/text-state";
import { textOf } from "./text/ytext";
import type {
  CollaboratorView,
  DocumentListItem,
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
    updatedAt: row.updatedAt.toISOString(),
    collaborators: row.collaborators,
  };
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

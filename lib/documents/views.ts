import type { CollaboratorRow, ListRow, PageRow, VersionRow } from "./queries";
import type { StoredDocument } from "./statements";
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
    access: row.access,
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
    content: row.content,
    author: { userId: row.authorId, name: row.authorName },
    regionId: row.regionId,
    createdAt: row.createdAt.toISOString(),
  };
}

import { withReadYourWrites, type ReadLevel, type Receipt } from "@/lib/db/read-your-writes";
import { readWhereItIs } from "@/lib/residency/where-it-is";
import { FIRST_PAGE, type ListQuery } from "./list-query";
import { listDocumentRows } from "./list-rows";
import { findDocumentRow, listCollaboratorRows, listVersionRows } from "./queries";
import type { Actor, CollaboratorView, DocumentListPage, DocumentView, VersionView } from "./types";
import { toCollaboratorView, toDocumentView, toListPage, toVersionView } from "./views";

export interface Answer<T> {
  value: T;
  receipt: Receipt;
}

export interface DocumentPage {
  document: DocumentView;
  /** Empty unless the reader owns the document. */
  collaborators: CollaboratorView[];
  versions: number;
}

export interface HistoryPage {
  document: DocumentView;
  versions: VersionView[];
}

/** A page of the documents that the actor owns or collaborates on. */
export async function readDocuments(
  actor: Actor,
  query: ListQuery = FIRST_PAGE,
  level?: ReadLevel,
): Promise<Answer<DocumentListPage>> {
  const { data, receipt } = await withReadYourWrites(
    actor.userId,
    (db) => listDocumentRows(db, actor.userId, query),
    { vantage: actor.vantage, token: actor.token, level, of: "Document" },
  );
  return { value: toListPage(data, query), receipt };
}

/** Null where the document is unknown, deleted or someone else's: a reader can't tell which. */
export async function readDocument(
  actor: Actor,
  documentId: string,
  level?: ReadLevel,
): Promise<Answer<DocumentPage | null>> {
  const { data, receipt } = await readWhereItIs(
    actor,
    { entity: "Document", id: documentId },
    async (db) => {
      const [document, collaborators] = await Promise.all([
        findDocumentRow(db, actor.userId, documentId),
        listCollaboratorRows(db, actor.userId, documentId),
      ]);
      return { document, collaborators };
    },
    ({ document }) => document !== null,
    { level, of: "Document" },
  );
  if (!data.document) return { value: null, receipt };
  return {
    value: {
      document: toDocumentView(data.document),
      collaborators: data.collaborators.map(toCollaboratorView),
      versions: data.document.versions,
    },
    receipt,
  };
}

/** The document with its saved states, newest first; null where `readDocument` is. */
export async function readHistory(
  actor: Actor,
  documentId: string,
): Promise<Answer<HistoryPage | null>> {
  const { data, receipt } = await readWhereItIs(
    actor,
    { entity: "Document", id: documentId },
    async (db) => {
      const [document, versions] = await Promise.all([
        findDocumentRow(db, actor.userId, documentId),
        listVersionRows(db, actor.userId, documentId),
      ]);
      return { document, versions };
    },
    ({ document }) => document !== null,
  );
  if (!data.document) return { value: null, receipt };
  return {
    value: {
      document: toDocumentView(data.document),
      versions: data.versions.map(toVersionView),
    },
    receipt,
  };
}

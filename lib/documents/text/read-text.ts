import * as Y from "yjs";
import { readWhereItIs } from "@/lib/residency/where-it-is";
import type { Access, Actor, DocumentClock } from "@/lib/documents/types";
import { seedUpdate } from "./seed-update";
import { fromBase64, type Db } from "./text-state";
import { toBase64, type TextNews } from "./wire";
import { docOf } from "./ytext";

interface Row {
  title: string;
  content: string;
  clock: DocumentClock;
  access: Access;
  marker: string;
  updates: string[] | null;
}

/**
 * What an editor lacks of a document's text.
 *
 * @param known the marker of the last answer, and the editor's state vector (bytes; null for none)
 * @returns null where the document is unknown, deleted or someone else's
 */
export async function readText(
  actor: Actor,
  documentId: string,
  known: { marker: string; stateVector: Uint8Array | null },
): Promise<Omit<TextNews, "present"> | null> {
  const { data, regionId } = await readWhereItIs(
    actor,
    { entity: "Document", id: documentId },
    async (db) => ({ document: await findText(db, actor.userId, documentId, known.marker) }),
    ({ document }) => document !== null,
  );
  if (!data.document) return null;
  const { title, content, clock, access, marker, updates } = data.document;
  const news = { marker, clock, title, access, regionId };
  if (updates === null) return news;
  const stored =
    updates.length > 0 ? updates.map(fromBase64) : [seedUpdate(documentId, content).update];
  return { ...news, update: toBase64(difference(stored, known.stateVector)) };
}

/** A state vector from outside that is none counts as that of an empty document. */
function difference(stored: Uint8Array[], stateVector: Uint8Array | null): Uint8Array {
  const doc = docOf(stored);
  if (stateVector && stateVector.byteLength > 0) {
    try {
      return Y.encodeStateAsUpdate(doc, stateVector);
    } catch {
      // Fall through.
    }
  }
  return Y.encodeStateAsUpdate(doc);
}

/** The marker stands for the document's clock: each update comes with a write of the document. */
async function findText(
  db: Db,
  userId: string,
  documentId: string,
  marker: string,
): Promise<Row | null> {
  const rows = await db.$queryRaw<Row[]>`
    WITH target AS (
      SELECT d.*, md5(d."clock"::text) AS "marker",
        CASE WHEN d."ownerId" = ${userId}::text THEN 'owner'
          ELSE (SELECT min(c."role") FROM "Collaborator" c
            WHERE c."documentId" = d."id" AND c."userId" = ${userId}::text
              AND c."deletedAt" IS NULL) END AS "access"
      FROM "Document" d
      WHERE d."id" = ${documentId}::text AND d."deletedAt" IS NULL
    )
    SELECT t."title", t."clock", t."access", t."marker",
      CASE WHEN t."marker" = ${marker}::text THEN '' ELSE t."content" END AS "content",
      CASE WHEN t."marker" <> ${marker}::text THEN (
        SELECT coalesce(jsonb_agg(translate(encode(u."update", 'base64'), E'\n', '')
          ORDER BY u."hlc", u."origin" COLLATE "C", u."id" COLLATE "C"), '[]')
        FROM "DocumentUpdate" u
        WHERE u."documentId" = t."id" AND u."deletedAt" IS NULL) END AS "updates"
    FROM target t WHERE t."access" IS NOT NULL`;
  return rows[0] ?? null;
}

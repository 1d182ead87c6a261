import type { Db, StoredDocument } from "./statements";
import type { Access, CollaboratorRole } from "./types";

/*
 * Reads return rows as they are stored, with `origin` and `position`: that is how a session learns
 * what it has seen. views.ts makes them fit for a page.
 */

const VERSIONS_LIMIT = 100;

interface Stamp {
  origin: string;
  position: bigint;
}

export interface CollaboratorRow extends Stamp {
  userId: string;
  name: string | null;
  email: string | null;
  role: CollaboratorRole;
}

export interface PageRow extends StoredDocument {
  access: Access;
  ownerId: string;
  ownerName: string | null;
  versions: number;
  /** A newer version is here, parked, because this region could not apply it. */
  pending: boolean;
  /** The text's updates in base64, in the order in which they are applied. */
  updates: string[];
}

/** Null where the document is unknown, deleted or someone else's. */
export async function documentExists(
  db: Db,
  userId: string,
  documentId: string,
): Promise<(Stamp & { id: string }) | null> {
  const rows = await db.$queryRaw<(Stamp & { id: string })[]>`
    SELECT d."id", d."origin", d."position" FROM "Document" d
    WHERE d."id" = ${documentId}::text AND d."deletedAt" IS NULL
      AND (d."ownerId" = ${userId}::text OR EXISTS (
        SELECT FROM "Collaborator" c WHERE c."documentId" = d."id"
          AND c."userId" = ${userId}::text AND c."deletedAt" IS NULL))`;
  return rows[0] ?? null;
}

/** Null where the document is unknown, deleted or someone else's. */
export async function findDocumentRow(
  db: Db,
  userId: string,
  documentId: string,
): Promise<PageRow | null> {
  const rows = await db.$queryRaw<PageRow[]>`
    WITH target AS (
      SELECT d.*, CASE WHEN d."ownerId" = ${userId}::text THEN 'owner'
        ELSE (SELECT min(c."role") FROM "Collaborator" c
          WHERE c."documentId" = d."id" AND c."userId" = ${userId}::text
            AND c."deletedAt" IS NULL) END AS "access"
      FROM "Document" d
      WHERE d."id" = ${documentId}::text AND d."deletedAt" IS NULL
    )
    SELECT t."id", t."title", t."summary", t."content", t."clock", t."origin", t."position",
      t."createdAt", t."updatedAt", t."access", t."ownerId", o."name" AS "ownerName",
      (SELECT coalesce(jsonb_agg(translate(encode(u."update", 'base64'), E'\n', '')
          ORDER BY u."hlc", u."origin" COLLATE "C", u."id" COLLATE "C"), '[]')
        FROM "DocumentUpdate" u
        WHERE u."documentId" = t."id" AND u."deletedAt" IS NULL) AS "updates",
      (SELECT count(*)::int FROM "DocumentVersion" v
        WHERE v."documentId" = t."id" AND v."deletedAt" IS NULL) AS "versions",
      mr.is_pending('Document', t."id") AS "pending"
    FROM target t LEFT JOIN "Person" o ON o."id" = t."ownerId"
    WHERE t."access" IS NOT NULL`;
  return rows[0] ?? null;
}

/** Empty unless the user owns the document. */
export function listCollaboratorRows(
  db: Db,
  userId: string,
  documentId: string,
): Promise<CollaboratorRow[]> {
  return db.$queryRaw<CollaboratorRow[]>`
    SELECT c."userId", u."name", u."email", c."role", c."origin", c."position"
    FROM "Document" d
    JOIN "Collaborator" c ON c."documentId" = d."id" AND c."deletedAt" IS NULL
    LEFT JOIN "Person" u ON u."id" = c."userId"
    WHERE d."id" = ${documentId}::text AND d."ownerId" = ${userId}::text AND d."deletedAt" IS NULL
    ORDER BY c."createdAt", c."id"`;
}

export interface VersionRow extends Stamp {
  id: string;
  title: string;
  summary: string;
  content: string;
  authorId: string;
  authorName: string | null;
  regionId: string;
  createdAt: Date;
}

/** Saved states, newest first; empty unless the user may read the document. */
export function listVersionRows(db: Db, userId: string, documentId: string): Promise<VersionRow[]> {
  return db.$queryRaw<VersionRow[]>`
    SELECT v."id", v."title", v."summary", v."content", v."authorId", u."name" AS "authorName",
      v."regionId", v."createdAt", v."origin", v."position"
    FROM "Document" d
    JOIN "DocumentVersion" v ON v."documentId" = d."id" AND v."deletedAt" IS NULL
    LEFT JOIN "Person" u ON u."id" = v."authorId"
    WHERE d."id" = ${documentId}::text AND d."deletedAt" IS NULL
      AND (d."ownerId" = ${userId}::text OR EXISTS (
        SELECT FROM "Collaborator" c WHERE c."documentId" = d."id"
          AND c."userId" = ${userId}::text AND c."deletedAt" IS NULL))
    ORDER BY v."hlc" DESC, v."id"
    LIMIT ${VERSIONS_LIMIT}`;
}

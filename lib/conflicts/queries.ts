import { Prisma, type PrismaClient } from "@/lib/generated/prisma/client";
import type { Choice, ConflictFilter, ConflictStatus } from "./types";

/*
 * Rows carry `origin` and `position`, which is how a session learns what it has seen. The owner of
 * a document, deleted or not, sees what is recorded of it and of its collaborators, whose ids begin
 * with the document's; so does whoever has written a version of an article.
 */

export interface ConflictRow {
  id: string;
  entityType: string;
  entityId: string;
  field: string;
  strategy: string;
  status: ConflictStatus;
  versionCount: number;
  detectedAt: Date;
  detectedIn: string;
  origin: string;
  position: bigint;
  documentId: string | null;
  documentTitle: string | null;
  documentDeleted: boolean | null;
  articleTitle: string | null;
  choice: Choice | null;
  resolvedBy: string | null;
  resolverName: string | null;
  resolvedAt: Date | null;
}

/**
 * A record is open while its register still holds versions to choose from: a decision about other
 * records of the same register, or a later edit that had seen them all, leaves nothing to decide.
 */
const STATUS = Prisma.sql`CASE
  WHEN r."id" IS NOT NULL THEN 'decided'
  WHEN c."outcome" = 'open' AND (c."strategy" NOT IN ('manual', 'custom')
    OR c."entityType" NOT IN ('Document', 'ContentItem') OR coalesce(d."id", a."id") IS NULL
    OR jsonb_typeof(coalesce(d."merge", a."merge") -> c."field") = 'array') THEN 'open'
  ELSE 'automatic' END`;

/** `ownerId`: null for an administrator. */
export type Scope = { ownerId: string | null };

/** The document that a conflict is about, or of the collaborator that it is about; or the article. */
const SUBJECT = Prisma.sql`"Document" d ON d."id" = CASE c."entityType"
  WHEN 'Document' THEN c."entityId"
  WHEN 'Collaborator' THEN split_part(c."entityId", ':', 1) END
  LEFT JOIN "ContentItem" a ON c."entityType" = 'ContentItem' AND a."id" = c."entityId"`;

function visible({ ownerId }: Scope) {
  return Prisma.sql`(${ownerId}::text IS NULL OR d."ownerId" = ${ownerId}::text
    OR a."authorId" = ${ownerId}::text OR EXISTS (SELECT FROM "ContentVersion" v
      WHERE v."authorId" = ${ownerId}::text AND v."contentId" = a."id" AND v."deletedAt" IS NULL))`;
}

function matching(
  { ownerId }: Scope,
  { entityType, search, documentId, articleId }: ConflictFilter,
) {
  return Prisma.sql`c."deletedAt" IS NULL
    AND ${visible({ ownerId })}
    AND (${entityType ?? null}::text IS NULL OR c."entityType" = ${entityType ?? null}::text)
    AND (${documentId ?? null}::text IS NULL OR d."id" = ${documentId ?? null}::text)
    AND (${articleId ?? null}::text IS NULL OR a."id" = ${articleId ?? null}::text)
    AND (${search ?? null}::text IS NULL OR starts_with(c."id", ${search ?? null}::text)
      OR starts_with(c."entityId", ${search ?? null}::text))`;
}

/** Newest first. */
export function listConflictRows(
  db: PrismaClient,
  scope: Scope,
  filter: ConflictFilter & { limit: number },
): Promise<ConflictRow[]> {
  const { status, before, limit } = filter;
  return db.$queryRaw<ConflictRow[]>`
    SELECT c."id", c."entityType", c."entityId", c."field", c."strategy",
      ${STATUS} AS "status",
      jsonb_array_length(c."versions") AS "versionCount", c."detectedAt", c."detectedIn",
      c."origin", c."position", d."id" AS "documentId", d."title" AS "documentTitle",
      d."deletedAt" IS NOT NULL AS "documentDeleted", a."title" AS "articleTitle", r."choice",
      r."resolvedBy",
      u."name" AS "resolverName", r."resolvedAt"
    FROM "Conflict" c
    LEFT JOIN "ConflictResolution" r ON r."id" = c."id" AND r."deletedAt" IS NULL
    LEFT JOIN "Person" u ON u."id" = r."resolvedBy"
    LEFT JOIN ${SUBJECT}
    WHERE ${matching(scope, filter)}
      AND (${status ?? null}::text IS NULL OR ${status ?? null}::text = ${STATUS})
      AND (${before?.id ?? null}::text IS NULL OR (c."detectedAt", c."id")
        < (${before?.detectedAt ?? null}::timestamptz, ${before?.id ?? null}::text))
    ORDER BY c."detectedAt" DESC, c."id" DESC
    LIMIT ${limit}::int`;
}

export function countConflictRows(
  db: PrismaClient,
  scope: Scope,
  filter: ConflictFilter,
): Promise<{ status: ConflictStatus; count: number }[]> {
  return db.$queryRaw<{ status: ConflictStatus; count: number }[]>`
    SELECT ${STATUS} AS "status", count(*)::int AS "count"
    FROM "Conflict" c
    LEFT JOIN "ConflictResolution" r ON r."id" = c."id" AND r."deletedAt" IS NULL
    LEFT JOIN ${SUBJECT}
    WHERE ${matching(scope, filter)}
    GROUP BY 1`;
}

export interface ConflictDetailRow extends ConflictRow {
  versions: unknown;
  value: unknown;
  writtenClock: unknown;
}

/** Null where it is unknown, forgotten, or none of the reader's documents. */
export async function findConflictRow(
  db: PrismaClient,
  { ownerId }: Scope,
  id: string,
): Promise<ConflictDetailRow | null> {
  const rows = await db.$queryRaw<ConflictDetailRow[]>`
    SELECT c."id", c."entityType", c."entityId", c."field", c."strategy",
      ${STATUS} AS "status",
      jsonb_array_length(c."versions") AS "versionCount", c."versions", c."detectedAt",
      c."detectedIn", c."origin", c."position", d."id" AS "documentId",
      d."title" AS "documentTitle", d."deletedAt" IS NOT NULL AS "documentDeleted",
      a."title" AS "articleTitle", r."choice",
      r."value", r."writtenClock", r."resolvedBy", u."name" AS "resolverName", r."resolvedAt"
    FROM "Conflict" c
    LEFT JOIN "ConflictResolution" r ON r."id" = c."id" AND r."deletedAt" IS NULL
    LEFT JOIN "Person" u ON u."id" = r."resolvedBy"
    LEFT JOIN ${SUBJECT}
    WHERE c."id" = ${id}::text AND c."deletedAt" IS NULL
      AND ${visible({ ownerId })}`;
  return rows[0] ?? null;
}

/** Names of people as far as this region knows them. */
export async function namesOf(
  db: PrismaClient,
  userIds: readonly string[],
): Promise<Map<string, string>> {
  if (userIds.length === 0) return new Map();
  const rows = await db.$queryRaw<{ id: string; name: string }[]>`
    SELECT "id", "name" FROM "Person" WHERE "id" = ANY (${[...new Set(userIds)]}::text[])`;
  return new Map(rows.map(({ id, name }) => [id, name]));
}

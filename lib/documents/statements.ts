import type { Prisma, PrismaClient } from "@/lib/generated/prisma/client";
import { seedUpdate } from "./text/seed-update";
import type { CollaboratorRole, DocumentClock } from "./types";

/*
 * One statement per write: authorisation, the comparison with the base version, the change and its
 * history row share a snapshot and a transaction, and cost one round trip. `origin` and `position`
 * are set by triggers; RETURNING sees what they set.
 */

export type Db = PrismaClient | Prisma.TransactionClient;

/** A document as the database returns it. */
export interface StoredDocument {
  id: string;
  title: string;
  summary: string;
  content: string;
  clock: DocumentClock;
  origin: string;
  position: bigint;
  createdAt: Date;
  updatedAt: Date;
}

export interface ChangedRow {
  readable: boolean;
  owned: boolean;
  /** False where the statement found nothing to change. */
  changed: boolean;
  origin: string | null;
  position: bigint | null;
}

/**
 * Always one row: whoever is signed in may create. Where an earlier attempt's row has arrived from
 * another region already, that one: a region that stops answering may still have committed it, and
 * then both regions hold the same rows under the same ids.
 */
export async function insertDocument(
  db: Db,
  input: {
    userId: string;
    regionId: string;
    documentId: string;
    versionId: string;
    title: string;
    content: string;
    /** Where it may be; without it anywhere. */
    placement?: { residency: string | null; regions: readonly string[] } | undefined;
  },
): Promise<StoredDocument> {
  const { placement } = input;
  const seed = seedUpdate(input.documentId, input.content);
  const rows = await db.$queryRaw<StoredDocument[]>`
    WITH placed AS (
      INSERT INTO "Placement" ("id", "entity", "entityId", "ownerId", "residency", "regions", "updatedBy")
      SELECT 'Document/' || ${input.documentId}::text, 'Document', ${input.documentId}::text,
        ${input.userId}::text, ${placement?.residency ?? null}::text,
        ${placement?.regions ?? []}::text[], ${input.userId}::text
      WHERE ${placement !== undefined}::boolean
      ON CONFLICT ("id") DO NOTHING
    ), created AS (
      INSERT INTO "Document" ("id", "title", "content", "contentHead", "ownerId", "updatedBy")
      VALUES (${input.documentId}::text, ${input.title}::text, ${input.content}::text,
        ${seed.id}::text, ${input.userId}::text, ${input.userId}::text)
      ON CONFLICT ("id") DO NOTHING
      RETURNING *
    ), version AS (
      INSERT INTO "DocumentVersion"
        ("id", "documentId", "title", "content", "documentClock", "authorId", "regionId")
      SELECT ${input.versionId}::text, c."id", c."title", c."content", c."clock",
        ${input.userId}::text, ${input.regionId}::text
      FROM created c
      ON CONFLICT ("id") DO NOTHING
    ), seeded AS (
      INSERT INTO "DocumentUpdate" ("id", "documentId", "update", "documentClock", "authorId")
      SELECT ${seed.id}::text, c."id", ${Buffer.from(seed.update)}::bytea, c."clock",
        ${input.userId}::text
      FROM created c
      ON CONFLICT ("id") DO NOTHING
    )
    SELECT "id", "title", "summary", "content", "clock", "origin", "position", "createdAt",
      "updatedAt"
    FROM created
    UNION ALL
    SELECT "id", "title", "summary", "content", "clock", "origin", "position", "createdAt",
      "updatedAt"
    FROM "Document" d WHERE d."id" = ${input.documentId}::text AND d."ownerId" = ${input.userId}::text
      AND NOT EXISTS (SELECT FROM created)`;
  return only(rows, "The insert returned no row.");
}

/**
 * Turns the document into a tombstone; only its owner can.
 *
 * @param input `again`: an earlier attempt was not answered, so that its tombstone counts as this one's
 */
export async function tombstoneDocument(
  db: Db,
  input: { userId: string; documentId: string; again?: boolean },
): Promise<ChangedRow | null> {
  const rows = await db.$queryRaw<ChangedRow[]>`
    WITH target AS (
      SELECT d."id", d."ownerId" = ${input.userId}::text AS "owned",
        EXISTS (SELECT FROM "Collaborator" c
          WHERE c."documentId" = d."id" AND c."userId" = ${input.userId}::text
            AND c."deletedAt" IS NULL) AS "shared",
        d."deletedAt" IS NOT NULL AS "gone", d."origin", d."position"
      FROM "Document" d
      WHERE d."id" = ${input.documentId}::text AND (d."deletedAt" IS NULL
        OR ${input.again ?? false}::boolean AND d."updatedBy" = ${input.userId}::text)
    ), changed AS (
      UPDATE "Document" d SET "deletedAt" = now(), "updatedAt" = now(),
        "updatedBy" = ${input.userId}::text
      FROM target t
      WHERE d."id" = t."id" AND t."owned" AND d."deletedAt" IS NULL
      RETURNING d."origin", d."position"
    ), unlisted AS (
      -- Where its rows may be still holds for what is left of it.
      UPDATE "Placement" p SET "deletedAt" = now()
      FROM target t WHERE p."id" = 'Document/' || t."id" AND t."owned" AND p."deletedAt" IS NULL
    ), found AS (
      SELECT * FROM changed UNION ALL SELECT "origin", "position" FROM target WHERE "gone"
    )
    SELECT t."owned" OR t."shared" AS "readable", t."owned",
      c."position" IS NOT NULL AS "changed", c."origin", c."position"
    FROM target t LEFT JOIN found c ON true`;
  return rows[0] ?? null;
}

/** Says where the document may be; only its owner can. */
export async function movePlacement(
  db: Db,
  input: {
    userId: string;
    documentId: string;
    residency: string | null;
    regions: readonly string[];
  },
): Promise<ChangedRow | null> {
  const rows = await db.$queryRaw<ChangedRow[]>`
    WITH target AS (
      SELECT d."id", d."ownerId" = ${input.userId}::text AS "owned",
        EXISTS (SELECT FROM "Collaborator" c
          WHERE c."documentId" = d."id" AND c."userId" = ${input.userId}::text
            AND c."deletedAt" IS NULL) AS "shared"
      FROM "Document" d
      WHERE d."id" = ${input.documentId}::text AND d."deletedAt" IS NULL
    ), changed AS (
      INSERT INTO "Placement" AS p
        ("id", "entity", "entityId", "ownerId", "residency", "regions", "updatedBy")
      SELECT 'Document/' || t."id", 'Document', t."id", ${input.userId}::text,
        ${input.residency}::text, ${input.regions}::text[], ${input.userId}::text
      FROM target t WHERE t."owned"
      ON CONFLICT ("id") DO UPDATE
        SET "residency" = excluded."residency", "regions" = excluded."regions",
          "updatedBy" = excluded."updatedBy", "updatedAt" = now()
      RETURNING p."origin", p."position"
    )
    SELECT t."owned" OR t."shared" AS "readable", t."owned",
      c."position" IS NOT NULL AS "changed", c."origin", c."position"
    FROM target t LEFT JOIN changed c ON true`;
  return rows[0] ?? null;
}

export interface SharedRow extends ChangedRow {
  /** Null where this region knows no such account. */
  userId: string | null;
  name: string | null;
}

/**
 * Gives the account with this address a role on the document, or changes the role it has. The id
 * is derived from document and user, so the same share made in two regions is one row.
 */
export async function upsertCollaborator(
  db: Db,
  input: {
    userId: string;
    documentId: string;
    /** The address, in the forms in which an account may have it. */
    addresses: readonly string[];
    role: CollaboratorRole;
    /** The account as the leading region knows it, for when this one has not heard of it yet. */
    known?: { userId: string; name: string };
  },
): Promise<SharedRow | null> {
  const rows = await db.$queryRaw<SharedRow[]>`
    WITH target AS (
      SELECT d."id", d."ownerId", d."ownerId" = ${input.userId}::text AS "owned",
        EXISTS (SELECT FROM "Collaborator" c
          WHERE c."documentId" = d."id" AND c."userId" = ${input.userId}::text
            AND c."deletedAt" IS NULL) AS "shared"
      FROM "Document" d
      WHERE d."id" = ${input.documentId}::text AND d."deletedAt" IS NULL
    ), person AS (
      SELECT p."id", p."name" FROM (
        SELECT u."id", n."name", 0 AS "rank" FROM "User" u JOIN "Person" n USING ("id")
        WHERE u."email" = ANY (${input.addresses}::text[]) AND u."deletedAt" IS NULL
        UNION ALL
        SELECT ${input.known?.userId ?? null}::text, ${input.known?.name ?? null}::text, 1
      ) p
      WHERE p."id" IS NOT NULL AND EXISTS (SELECT FROM target t WHERE t."owned")
      ORDER BY p."rank" LIMIT 1
    ), changed AS (
      INSERT INTO "Collaborator" AS c ("id", "documentId", "userId", "role", "updatedBy")
      SELECT t."id" || ':' || p."id", t."id", p."id", ${input.role}::text, ${input.userId}::text
      FROM target t, person p
      WHERE t."owned" AND p."id" <> t."ownerId"
      ON CONFLICT ("id") DO UPDATE
        SET "role" = excluded."role", "deletedAt" = NULL, "updatedAt" = now(),
          "updatedBy" = excluded."updatedBy"
      RETURNING c."origin", c."position"
    )
    SELECT t."owned" OR t."shared" AS "readable", t."owned",
      c."position" IS NOT NULL AS "changed", c."origin", c."position",
      p."id" AS "userId", p."name"
    FROM target t LEFT JOIN person p ON true LEFT JOIN changed c ON true`;
  return rows[0] ?? null;
}

/** Takes a collaborator off the document; the owner can, and collaborators can leave. See above for `again`. */
export async function tombstoneCollaborator(
  db: Db,
  input: { userId: string; documentId: string; collaboratorId: string; again?: boolean },
): Promise<ChangedRow | null> {
  const rows = await db.$queryRaw<ChangedRow[]>`
    WITH target AS (
      SELECT d."id", d."ownerId" = ${input.userId}::text AS "owned",
        EXISTS (SELECT FROM "Collaborator" c
          WHERE c."documentId" = d."id" AND c."userId" = ${input.userId}::text
            AND c."deletedAt" IS NULL) AS "shared"
      FROM "Document" d
      WHERE d."id" = ${input.documentId}::text AND d."deletedAt" IS NULL
    ), changed AS (
      UPDATE "Collaborator" c SET "deletedAt" = now(), "updatedAt" = now(),
        "updatedBy" = ${input.userId}::text
      FROM target t
      WHERE c."documentId" = t."id" AND c."userId" = ${input.collaboratorId}::text
        AND (t."owned" OR c."userId" = ${input.userId}::text) AND c."deletedAt" IS NULL
      RETURNING c."origin", c."position"
    ), found AS (
      SELECT * FROM changed
      UNION ALL
      SELECT c."origin", c."position" FROM "Collaborator" c, target t
      WHERE ${input.again ?? false}::boolean AND c."documentId" = t."id"
        AND c."userId" = ${input.collaboratorId}::text AND c."deletedAt" IS NOT NULL
        AND c."updatedBy" = ${input.userId}::text
    )
    SELECT t."owned" OR t."shared" AS "readable", t."owned",
      c."position" IS NOT NULL AS "changed", c."origin", c."position"
    FROM target t LEFT JOIN found c ON true`;
  return rows[0] ?? null;
}

function only<T>(rows: T[], otherwise: string): T {
  const row = rows[0];
  if (row === undefined) throw new Error(otherwise);
  return row;
}

import { Prisma, type PrismaClient } from "@/lib/generated/prisma/client";
import type { DocumentClock } from "@/lib/documents/types";
import { inOrder } from "./history-order";
import type { Stage, VersionAction } from "./types";

/*
 * An article and the row of its history are written by one statement, and so are applied by one transaction
 * everywhere. `clock`, `origin` and `position` are set by triggers; RETURNING sees what they set.
 */

export type Db = PrismaClient | Prisma.TransactionClient;

export interface StoredContent {
  id: string;
  title: string;
  body: string;
  stage: Stage;
  live: string | null;
  schedule: string | null;
  authorId: string;
  updatedBy: string | null;
  createdAt: Date;
  updatedAt: Date;
  clock: DocumentClock;
  origin: string;
  position: bigint;
  undecidedTitle: boolean;
  undecidedBody: boolean;
}

export interface StoredAccess extends StoredContent {
  reviewer: boolean;
  author: boolean;
}

const columns = (
  of: Prisma.Sql,
) => Prisma.sql`${of}."id", ${of}."title", ${of}."body", ${of}."stage", ${of}."live",
    ${of}."schedule", ${of}."authorId", ${of}."updatedBy", ${of}."createdAt", ${of}."updatedAt",
    ${of}."clock", ${of}."origin", ${of}."position",
    coalesce(jsonb_typeof(${of}."merge" -> 'title') = 'array', false) AS "undecidedTitle",
    coalesce(jsonb_typeof(${of}."merge" -> 'body') = 'array', false) AS "undecidedBody"`;
export const CONTENT_COLUMNS = columns(Prisma.sql`i`);
const CHANGED_COLUMNS = columns(Prisma.sql`c`);

/** Whoever has written a version of an article may change it: its author, and a second one of the same slug. */
export const isReviewer = (userId: string) => Prisma.sql`EXISTS (SELECT FROM "User" u
  WHERE u."id" = ${userId}::text AND u."role" = 'admin' AND u."deletedAt" IS NULL)`;
export const isAuthor = (userId: string) => Prisma.sql`(i."authorId" = ${userId}::text OR EXISTS (
  SELECT FROM "ContentVersion" v WHERE v."authorId" = ${userId}::text AND v."contentId" = i."id"
    AND v."deletedAt" IS NULL))`;

/** With what the asking person may do; null where the article is unknown. */
export async function findContent(
  db: Db,
  id: string,
  userId: string,
): Promise<StoredAccess | null> {
  const rows = await db.$queryRaw<StoredAccess[]>`
    SELECT ${CONTENT_COLUMNS}, ${isReviewer(userId)} AS "reviewer", ${isAuthor(userId)} AS "author"
    FROM "ContentItem" i WHERE i."id" = ${id}::text AND i."deletedAt" IS NULL`;
  return rows[0] ?? null;
}

export interface InsertInput {
  id: string;
  versionId: string;
  title: string;
  body: string;
  userId: string;
  regionId: string;
  /** Where it may be; without it anywhere. */
  placement?: { residency: string | null; regions: readonly string[] } | undefined;
}

/** Null where the slug is taken, unless it was by an earlier attempt of this same write. */
export async function insertContent(db: Db, input: InsertInput): Promise<StoredContent | null> {
  const { id, versionId, title, body, userId, regionId, placement } = input;
  const rows = await db.$queryRaw<StoredContent[]>`
    WITH placed AS (
      INSERT INTO "Placement" ("id", "entity", "entityId", "ownerId", "residency", "regions", "updatedBy")
      SELECT 'ContentItem/' || ${id}::text, 'ContentItem', ${id}::text, ${userId}::text,
        ${placement?.residency ?? null}::text, ${placement?.regions ?? []}::text[], ${userId}::text
      WHERE ${placement !== undefined}::boolean
        AND NOT EXISTS (SELECT FROM "ContentItem" i WHERE i."id" = ${id}::text)
      ON CONFLICT ("id") DO NOTHING
    ), created AS (
      INSERT INTO "ContentItem" ("id", "title", "body", "authorId", "updatedBy")
      VALUES (${id}::text, ${title}::text, ${body}::text, ${userId}::text, ${userId}::text)
      ON CONFLICT ("id") DO NOTHING
      RETURNING *
    ), version AS (
      INSERT INTO "ContentVersion"
        ("id", "contentId", "action", "title", "body", "contentClock", "authorId", "regionId")
      SELECT ${versionId}::text, c."id", 'created', c."title", c."body", c."clock",
        ${userId}::text, ${regionId}::text
      FROM created c
      ON CONFLICT ("id") DO NOTHING
    )
    SELECT ${CHANGED_COLUMNS} FROM created c
    UNION ALL
    SELECT ${CONTENT_COLUMNS} FROM "ContentItem" i
    WHERE i."id" = ${id}::text AND NOT EXISTS (SELECT FROM created) AND EXISTS (
      SELECT FROM "ContentVersion" v WHERE v."id" = ${versionId}::text AND v."contentId" = i."id")`;
  return rows[0] ?? null;
}

export interface ChangeInput {
  id: string;
  versionId: string;
  userId: string;
  regionId: string;
  action: VersionAction;
  stage: Stage;
  live: "keep" | "pin" | "withdraw";
  schedule: "keep" | "set" | "clear";
  /** Of a schedule that is set, in ms since 1970. */
  publishAtMs: number | null;
  /** Null: as it is. */
  title: string | null;
  body: string | null;
  /** The version that the change starts from; the database compares it in the write itself. */
  base: DocumentClock;
  /** The version on which it was decided that the change is allowed. */
  guard: DocumentClock;
}

/**
 * Null where the article is another version than `guard` by now. Of a decision the key is later than that of
 * any former one, and than the database's clock was.
 */
export async function changeContent(db: Db, input: ChangeInput): Promise<StoredContent | null> {
  const { id, versionId, userId, regionId, action, stage, live, schedule } = input;
  const { title, body, base, guard } = input;
  const publishAtMs = input.publishAtMs === null ? null : BigInt(input.publishAtMs);
  const rows = await db.$queryRaw<StoredContent[]>`
    WITH target AS (
      SELECT i."id", lpad(greatest(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
        1 + coalesce(split_part(i."live", ' ', 1)::bigint, 0),
        1 + coalesce(split_part(i."schedule", ' ', 1)::bigint, 0))::text, 15, '0') AS "key"
      FROM "ContentItem" i WHERE i."id" = ${id}::text AND i."deletedAt" IS NULL
        AND i."clock" = ${JSON.stringify(guard)}::jsonb
    ), changed AS (
      UPDATE "ContentItem" i SET
        "title" = coalesce(${title}::text, i."title"), "body" = coalesce(${body}::text, i."body"),
        "stage" = ${stage}::text,
        "live" = CASE ${live}::text WHEN 'pin' THEN t."key" || ' ' || ${versionId}::text
          WHEN 'withdraw' THEN t."key" || ' -' ELSE i."live" END,
        "schedule" = CASE ${schedule}::text
          WHEN 'set' THEN t."key" || ' ' || lpad(${publishAtMs}::bigint::text, 13, '0') || ' ' || ${versionId}::text
          WHEN 'clear' THEN t."key" || ' -' ELSE i."schedule" END,
        "updatedAt" = now(), "updatedBy" = ${userId}::text, "clock" = ${JSON.stringify(base)}::jsonb
      FROM target t
      WHERE i."id" = t."id" AND i."clock" = ${JSON.stringify(guard)}::jsonb
      RETURNING i.*
    ), version AS (
      INSERT INTO "ContentVersion" ("id", "contentId", "action", "title", "body", "publishAt",
        "contentClock", "authorId", "regionId")
      SELECT ${versionId}::text, c."id", ${action}::text, coalesce(${title}::text, c."title"),
        coalesce(${body}::text, c."body"), to_timestamp(${publishAtMs}::bigint / 1000.0),
        c."clock", ${userId}::text, ${regionId}::text
      FROM changed c
      ON CONFLICT ("id") DO NOTHING
    )
    SELECT ${CHANGED_COLUMNS} FROM changed c`;
  return rows[0] ?? null;
}

export interface StoredVersion {
  id: string;
  contentId: string;
  action: VersionAction;
  title: string;
  body: string;
  publishAt: Date | null;
  contentClock: DocumentClock;
  authorId: string;
  authorName: string | null;
  regionId: string;
  createdAt: Date;
  origin: string;
  position: bigint;
}

const VERSIONS_LIMIT = 200;

/** In the order of history-order.ts. */
export async function listVersions(db: Db, contentId: string): Promise<StoredVersion[]> {
  const rows = await db.$queryRaw<StoredVersion[]>`
    SELECT v."id", v."contentId", v."action", v."title", v."body", v."publishAt", v."contentClock",
      v."authorId", u."name" AS "authorName", v."regionId", v."createdAt", v."origin", v."position"
    FROM "ContentVersion" v LEFT JOIN "Person" u ON u."id" = v."authorId"
    WHERE v."contentId" = ${contentId}::text AND v."deletedAt" IS NULL
    ORDER BY v."createdAt" DESC, v."id" COLLATE "C" DESC
    LIMIT ${VERSIONS_LIMIT}::int`;
  return inOrder(rows);
}

/** The text of a version; null for one of another article, or of none. */
export async function findVersionText(
  db: Db,
  contentId: string,
  versionId: string,
): Promise<{ title: string; body: string } | null> {
  const rows = await db.$queryRaw<{ title: string; body: string }[]>`
    SELECT v."title", v."body" FROM "ContentVersion" v
    WHERE v."id" = ${versionId}::text AND v."contentId" = ${contentId}::text AND v."deletedAt" IS NULL`;
  return rows[0] ?? null;
}

export interface MovedContent {
  /** Whether the asking person knows of it. */
  readable: boolean;
  /** Whether they are the author or a reviewer. */
  allowed: boolean;
  /** Of the placement; null where nothing was written. */
  origin: string | null;
  position: bigint | null;
}

/** Says where an article may be; null where it is unknown. */
export async function moveArticle(
  db: Db,
  input: { id: string; userId: string; residency: string | null; regions: readonly string[] },
): Promise<MovedContent | null> {
  const { id, userId, residency, regions } = input;
  const rows = await db.$queryRaw<MovedContent[]>`
    WITH target AS (
      SELECT i."id", i."authorId", i."authorId" = ${userId}::text OR ${isReviewer(userId)} AS "allowed",
        ${isReviewer(userId)} OR ${isAuthor(userId)} AS "readable"
      FROM "ContentItem" i WHERE i."id" = ${id}::text AND i."deletedAt" IS NULL
    ), changed AS (
      INSERT INTO "Placement" AS p
        ("id", "entity", "entityId", "ownerId", "residency", "regions", "updatedBy")
      SELECT 'ContentItem/' || t."id", 'ContentItem', t."id", t."authorId",
        ${residency}::text, ${regions}::text[], ${userId}::text
      FROM target t WHERE t."allowed"
      ON CONFLICT ("id") DO UPDATE
        SET "residency" = excluded."residency", "regions" = excluded."regions",
          "updatedBy" = excluded."updatedBy", "updatedAt" = now()
      RETURNING p."origin", p."position"
    )
    SELECT t."readable", t."allowed", c."origin", c."position" FROM target t LEFT JOIN changed c ON true`;
  return rows[0] ?? null;
}

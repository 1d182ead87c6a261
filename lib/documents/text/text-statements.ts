import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import type { Json } from "@/lib/db/conflicts/conflict-record";
import type { StoredDocument } from "@/lib/documents/statements";
import type { Snapshot } from "./compaction";
import type { SeedUpdate } from "./seed-update";
import type { Db } from "./text-state";

/** What a write adds to the text. */
export interface TextChange {
  /** The id of the update's row; the same in each attempt of one write. */
  id: string;
  update: Uint8Array;
  /** The text of all updates that were read, this one included. */
  content: string;
}

/** Both sides of lines that two people changed, for "Conflict". */
export interface TextConflict {
  id: string;
  /** The version that was there, complete. */
  theirs: { [key: string]: Json };
  /** What was submitted. */
  mine: string;
}

export interface TextWrite {
  userId: string;
  regionId: string;
  documentId: string;
  title?: string | undefined;
  summary?: string | undefined;
  change: TextChange | null;
  seed: (SeedUpdate & { clock: VectorClock }) | null;
  snapshot: Snapshot | null;
  conflict: TextConflict | null;
  /** A saved version of this id comes with the write. */
  version: { id: string; content: string } | null;
  /** What the change started from: the database compares it for each field that changes. */
  base: VectorClock | null;
  /** Writes only while the document's clock is this one. */
  guard: VectorClock | null;
}

export interface TextWritten extends StoredDocument {
  wrote: boolean;
}

/**
 * One statement: the document, its update, a snapshot in place of old updates, the saved version and
 * the record of a conflict. `wrote` is false where the guard or the base failed, or nothing may be
 * written; true as well where another attempt of this write has arrived before.
 *
 * @returns null where the document is unknown or deleted
 */
export async function writeText(db: Db, input: TextWrite): Promise<TextWritten | null> {
  const { change, seed, snapshot, conflict, version } = input;
  const json = (value: unknown) =>
    value === null || value === undefined ? null : JSON.stringify(value);
  const bytes = (value: Uint8Array | undefined) => (value ? Buffer.from(value) : null);
  const guard = json(input.guard);
  const base = json(input.base);
  const rows = await db.$queryRaw<TextWritten[]>`
    WITH target AS (
      SELECT d.*, d."ownerId" = ${input.userId}::text OR EXISTS (SELECT FROM "Collaborator" c
          WHERE c."documentId" = d."id" AND c."userId" = ${input.userId}::text
            AND c."role" = 'editor' AND c."deletedAt" IS NULL) AS "writable",
        -- Another attempt of this write, made elsewhere, has arrived here before this one.
        EXISTS (SELECT FROM "DocumentUpdate" u WHERE u."id" = ${change?.id ?? null}::text)
          OR EXISTS (SELECT FROM "DocumentVersion" v
            WHERE v."id" = ${version?.id ?? null}::text) AS "repeated"
      FROM "Document" d
      WHERE d."id" = ${input.documentId}::text AND d."deletedAt" IS NULL
    ), changed AS (
      UPDATE "Document" d SET
        "title" = coalesce(${input.title ?? null}::text, d."title"),
        "summary" = coalesce(${input.summary ?? null}::text, d."summary"),
        "content" = coalesce(${change?.content ?? null}::text, d."content"),
        "contentHead" = coalesce(${change?.id ?? null}::text, d."contentHead"),
        "updatedAt" = now(), "updatedBy" = ${input.userId}::text,
        "clock" = coalesce(${base}::jsonb, d."clock")
      FROM target t
      WHERE d."id" = t."id" AND d."deletedAt" IS NULL AND t."writable" AND NOT t."repeated"
        AND (${guard}::jsonb IS NULL OR d."clock" = ${guard}::jsonb)
        AND (${base}::jsonb IS NULL OR mr.clock_covers(d."clock", ${base}::jsonb))
      RETURNING d.*
    ), added AS (
      INSERT INTO "DocumentUpdate"
        ("id", "documentId", "update", "documentClock", "isSnapshot", "authorId")
      SELECT ${change?.id ?? null}::text, c."id", ${bytes(change?.update)}::bytea, c."clock", false,
        ${input.userId}::text
      FROM changed c WHERE ${change?.id ?? null}::text IS NOT NULL
      UNION ALL
      SELECT ${seed?.id ?? null}::text, c."id", ${bytes(seed?.update)}::bytea,
        ${json(seed?.clock)}::jsonb, false, c."ownerId"
      FROM changed c WHERE ${seed?.id ?? null}::text IS NOT NULL
      UNION ALL
      SELECT ${snapshot?.id ?? null}::text, c."id", ${bytes(snapshot?.update)}::bytea,
        ${json(snapshot?.clock)}::jsonb, true, ${input.userId}::text
      FROM changed c WHERE ${snapshot?.id ?? null}::text IS NOT NULL
      ON CONFLICT ("id") DO NOTHING
    ), covered AS (
      UPDATE "DocumentUpdate" u SET "deletedAt" = now()
      FROM changed c
      WHERE u."documentId" = c."id" AND u."id" = ANY (${snapshot?.covered ?? []}::text[])
        AND u."deletedAt" IS NULL
    ), version AS (
      INSERT INTO "DocumentVersion" ("id", "documentId", "title", "summary", "content",
        "documentClock", "authorId", "regionId")
      SELECT ${version?.id ?? null}::text, c."id", c."title", c."summary",
        ${version?.content ?? null}::text, c."clock", ${input.userId}::text,
        ${input.regionId}::text
      FROM changed c WHERE ${version?.id ?? null}::text IS NOT NULL
      ON CONFLICT ("id") DO NOTHING
    ), conflict AS (
      INSERT INTO "Conflict" ("id", "entityType", "entityId", "field", "strategy", "outcome",
        "versions", "detectedIn")
      SELECT ${conflict?.id ?? null}::text, 'Document', c."id", 'content', 'text', 'open',
        jsonb_build_array(${json(conflict?.theirs)}::jsonb, jsonb_build_object(
          'value', ${conflict?.mine ?? null}::text, 'clock', c."clock",
          'hlc', lpad(c."hlc"::text, 19, '0'), 'origin', c."origin",
          'count', coalesce((c."clock" ->> c."origin")::bigint, 0),
          'author', ${input.userId}::text, 'won', false)),
        ${input.regionId}::text
      FROM changed c WHERE ${conflict?.id ?? null}::text IS NOT NULL
      ON CONFLICT ("id") DO NOTHING
    )
    SELECT c."id" IS NOT NULL OR t."repeated" AS "wrote", t."id",
      coalesce(c."title", t."title") AS "title", coalesce(c."summary", t."summary") AS "summary",
      coalesce(c."content", t."content") AS "content", coalesce(c."clock", t."clock") AS "clock",
      -- Of what the earlier attempt wrote, and not of a later version: a session waits for these.
      coalesce(c."origin", r."origin", t."origin") AS "origin",
      coalesce(c."position", r."position", t."position") AS "position", t."createdAt",
      coalesce(c."updatedAt", t."updatedAt") AS "updatedAt"
    FROM target t LEFT JOIN changed c ON true LEFT JOIN LATERAL (
      SELECT u."origin", u."position" FROM "DocumentUpdate" u
      WHERE u."id" = ${change?.id ?? null}::text
      UNION ALL SELECT v."origin", v."position" FROM "DocumentVersion" v
      WHERE v."id" = ${version?.id ?? null}::text
      LIMIT 1
    ) r ON t."repeated"`;
  return rows[0] ?? null;
}

/** Ids of the conflicts that a write recorded. */
export async function conflictsOf(
  db: Db,
  written: { id: string; origin: string; position: bigint },
): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT c."id" FROM "Conflict" c
    WHERE c."entityType" = 'Document' AND c."entityId" = ${written.id}::text
      AND c."origin" = ${written.origin}::text AND c."position" = ${written.position}::bigint
    ORDER BY c."id"`;
  return rows.map(({ id }) => id);
}

import type { Db } from "./statements";
import { versionName } from "./views";
import type { PublishedContent } from "./types";
import type { DocumentClock } from "@/lib/documents/types";

/* What the public may see: versions that `live` names, and nothing of the working text. */

export const PUBLIC_LIMIT = 100;

/** What is public of an article. */
interface LiveRow {
  id: string;
  /** As text that changes with it. */
  live: string;
  /** The regions that may have it; null where nobody ever said, empty for all of them. */
  regions: string[] | null;
}

/** `live` is null where this region has nothing public of that name. */
export type FoundLive = Pick<LiveRow, "regions"> & { live: string | null };

export async function findLive(db: Db, id: string): Promise<FoundLive> {
  const rows = await db.$queryRaw<FoundLive[]>`
    SELECT i."live", p."regions" FROM (SELECT ${id}::text AS "id") a
    LEFT JOIN "ContentItem" i ON i."id" = a."id" AND i."live" IS NOT NULL AND i."live" NOT LIKE '% -'
      AND i."deletedAt" IS NULL
    LEFT JOIN "Placement" p ON p."id" = 'ContentItem/' || a."id"`;
  return rows[0] ?? { live: null, regions: null };
}

/** What this region has, last published first. */
export async function listLive(db: Db): Promise<LiveRow[]> {
  return db.$queryRaw<LiveRow[]>`
    SELECT i."id", i."live", p."regions" FROM "ContentItem" i
    LEFT JOIN "Placement" p ON p."id" = 'ContentItem/' || i."id"
    WHERE i."live" IS NOT NULL AND i."live" NOT LIKE '% -' AND i."deletedAt" IS NULL
    ORDER BY i."live" COLLATE "C" DESC, i."id" COLLATE "C" LIMIT ${PUBLIC_LIMIT}::int`;
}

interface PublishedRow {
  id: string;
  title: string;
  body: string;
  versionId: string;
  author: string | null;
  contentClock: DocumentClock;
  regionId: string;
  createdAt: Date;
}

/**
 * Versions by their ids, which never change. The name is of who wrote the article, not of who published it; as it is
 * in every region, for a region's cache outlives a move.
 *
 * @param excerpt characters of the text; null for all of it
 */
export async function findPublished(
  db: Db,
  versionIds: readonly string[],
  excerpt: number | null = null,
): Promise<PublishedContent[]> {
  const rows = await db.$queryRaw<PublishedRow[]>`
    SELECT v."contentId" AS "id", v."title", left(v."body", ${excerpt ?? 2_147_483_647}::int) AS "body",
      v."id" AS "versionId", u."name" AS "author", v."contentClock", v."regionId", v."createdAt"
    FROM "ContentVersion" v
    JOIN "ContentItem" i ON i."id" = v."contentId"
    LEFT JOIN "User" u ON u."id" = i."authorId"
    WHERE v."id" = ANY (${[...versionIds]}::text[]) AND v."deletedAt" IS NULL`;
  return rows.map(({ contentClock, regionId, createdAt, ...row }) => ({
    ...row,
    versionName: versionName({ regionId, contentClock }),
    publishedIn: regionId,
    publishedAt: createdAt.toISOString(),
  }));
}

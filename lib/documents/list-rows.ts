import { Prisma } from "@/lib/generated/prisma/client";
import {
  PAGE_SIZE,
  wordsOf,
  type DocumentSort,
  type ListCursor,
  type ListQuery,
} from "./list-query";
import type { Db } from "./statements";
import type { Access } from "./types";

export interface ListRow {
  id: string;
  title: string;
  excerpt: string;
  access: Access;
  ownerId: string;
  ownerName: string | null;
  createdAt: Date;
  updatedAt: Date;
  collaborators: number;
  origin: string;
  position: bigint;
}

/**
 * What a list is sorted by, each with an index that begins with the owner. Titles are compared by code
 * points of their lower case: a page may be read in another region than the one before it, and the
 * regions' databases need not agree on the order of a language.
 */
const KEYS = {
  updated: Prisma.sql`d."updatedAt"`,
  created: Prisma.sql`d."createdAt"`,
  title: Prisma.sql`lower(d."title") COLLATE "C"`,
} as const satisfies Record<DocumentSort, Prisma.Sql>;

/** Titles from A on, instants from the latest on. */
const ASCENDING = { updated: false, created: false, title: true } as const;

/**
 * A page of the documents that the user owns or is a collaborator of, and one row more where there is
 * another page in the direction it is read in. Rows come in that direction.
 *
 * Both kinds are cut to a page before they meet, so own documents cost an index scan of a page's
 * length, however many there are; shared ones cost one look at each.
 */
export function listDocumentRows(db: Db, userId: string, query: ListQuery): Promise<ListRow[]> {
  return db.$queryRaw<ListRow[]>(listStatement(userId, query));
}

/** The statement, for a test that asks for its plan. */
export function listStatement(userId: string, query: ListQuery): Prisma.Sql {
  const { sort, from } = query;
  const ascending = ASCENDING[sort] === (from?.towards !== "before");
  const key = KEYS[sort];
  const direction = ascending ? Prisma.sql`ASC` : Prisma.sql`DESC`;
  const order = Prisma.sql`ORDER BY ${key} ${direction}, d."id" COLLATE "C" ${direction}`;
  const limit = Prisma.sql`LIMIT ${PAGE_SIZE + 1}`;
  const wanted = Prisma.sql`d."deletedAt" IS NULL ${matches(query.search)} ${
    from ? beyond(sort, from.cursor, ascending) : Prisma.empty
  }`;
  return Prisma.sql`
    WITH reachable AS (
      (SELECT d."id", 'owner' AS "access" FROM "Document" d
        WHERE d."ownerId" = ${userId}::text AND ${wanted} ${order} ${limit})
      UNION ALL
      (SELECT d."id", min(c."role") FROM "Collaborator" c
        JOIN "Document" d ON d."id" = c."documentId" AND d."ownerId" <> ${userId}::text
        WHERE c."userId" = ${userId}::text AND c."deletedAt" IS NULL AND ${wanted}
        GROUP BY d."id" ${order} ${limit})
    )
    SELECT d."id", d."title", left(d."content", 200) AS "excerpt", r."access", d."ownerId",
      u."name" AS "ownerName", d."origin", d."position", d."createdAt", d."updatedAt",
      (SELECT count(*)::int FROM "Collaborator" c
        WHERE c."documentId" = d."id" AND c."deletedAt" IS NULL) AS "collaborators"
    FROM reachable r
    JOIN "Document" d ON d."id" = r."id"
    LEFT JOIN "Person" u ON u."id" = d."ownerId"
    ${order} ${limit}`;
}

/** Only titles and summaries: an index of the text would cost each few letters that are typed. */
function matches(search: string): Prisma.Sql {
  const words = wordsOf(search).map(
    (word) =>
      Prisma.sql`AND strpos(lower(d."title" || ' ' || d."summary"), lower(${word}::text)) > 0`,
  );
  return words.length > 0 ? Prisma.join(words, " ") : Prisma.empty;
}

function beyond(sort: DocumentSort, { key, id }: ListCursor, ascending: boolean): Prisma.Sql {
  const value =
    sort === "title"
      ? Prisma.sql`lower(${key}::text) COLLATE "C"`
      : Prisma.sql`${key}::text::timestamptz`;
  const than = ascending ? Prisma.sql`>` : Prisma.sql`<`;
  return Prisma.sql`AND (${KEYS[sort]}, d."id" COLLATE "C") ${than} (${value}, ${id}::text)`;
}

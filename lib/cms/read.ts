import { withReadYourWrites } from "@/lib/db/read-your-writes";
import type { Answer } from "@/lib/documents/read";
import type { Actor, Person } from "@/lib/documents/types";
import { Prisma } from "@/lib/generated/prisma/client";
import { readWhereItIs } from "@/lib/residency/where-it-is";
import {
  CONTENT_COLUMNS,
  findContent,
  isAuthor,
  isReviewer,
  listVersions,
  type Db,
  type StoredContent,
} from "./statements";
import type { ContentRow, ContentVersionRow } from "./types";
import { stateOf, toContentRow, toVersionRow } from "./views";
import { movesFor, type Move, type Role } from "./workflow";

/** What an author or a reviewer sees of articles, as their session may. */

const LIST_LIMIT = 100;

export interface ContentListItem extends Omit<ContentRow, "body"> {
  author: Person;
}

export interface ManagedContent {
  item: ContentRow;
  author: Person;
  role: Role;
  moves: Move[];
  versions: ContentVersionRow[];
}

type ListedRow = StoredContent & { authorName: string | null };

function listContent(db: Db, userId: string): Promise<ListedRow[]> {
  return db.$queryRaw<ListedRow[]>`
    SELECT ${CONTENT_COLUMNS}, a."name" AS "authorName"
    FROM "ContentItem" i LEFT JOIN "Person" a ON a."id" = i."authorId"
    WHERE i."deletedAt" IS NULL AND (${isReviewer(userId)} OR ${isAuthor(userId)})
    ORDER BY i."updatedAt" DESC, i."id" LIMIT ${LIST_LIMIT}::int`;
}

/** Articles that the actor may change, changed last first; for a reviewer all of them. */
export async function readContents(actor: Actor): Promise<Answer<ContentListItem[]>> {
  const { data, receipt } = await withReadYourWrites(
    actor.userId,
    (db) => listContent(db, actor.userId),
    { vantage: actor.vantage, token: actor.token, of: "ContentItem" },
  );
  const value = data.map((row) => {
    const { body: _, ...item } = toContentRow(row);
    return { ...item, author: { userId: row.authorId, name: row.authorName } };
  });
  return { value, receipt };
}

/** Null where it is unknown, or not the actor's to change: they can't tell which. */
export async function readContent(
  actor: Actor,
  contentId: string,
): Promise<Answer<ManagedContent | null>> {
  const { data, receipt } = await readWhereItIs(
    actor,
    { entity: "ContentItem", id: contentId },
    async (db) => {
      const [row, versions] = await Promise.all([
        findContent(db, contentId, actor.userId),
        listVersions(db, contentId),
      ]);
      return { row, versions, author: row ? await nameOf(db, row.authorId) : null };
    },
    ({ row }) => row !== null,
    { of: "ContentItem" },
  );
  const { row, versions, author } = data;
  if (!row || !(row.reviewer || row.author)) return { value: null, receipt };
  const role: Role = row.reviewer ? "reviewer" : "author";
  return {
    value: {
      item: toContentRow(row),
      author: { userId: row.authorId, name: author },
      role,
      moves: movesFor(stateOf(row), role),
      versions: versions.map(toVersionRow),
    },
    receipt,
  };
}

async function nameOf(db: Db, userId: string): Promise<string | null> {
  const rows = await db.$queryRaw<{ name: string }[]>(
    Prisma.sql`SELECT "name" FROM "Person" WHERE "id" = ${userId}::text`,
  );
  return rows[0]?.name ?? null;
}

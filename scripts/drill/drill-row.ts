import { RegionTimeoutError } from "@/lib/db/regions/faults";
import type { WrittenRow } from "@/lib/db/writes/write-row";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** What it returns is stamped: also when an earlier attempt made the row. */
export async function insertOrFind(db: PrismaClient, id: string): Promise<WrittenRow> {
  const rows = await db.$queryRaw<WrittenRow[]>`
    WITH made AS (
      INSERT INTO "User" (id, email, name, "passwordHash")
      VALUES (${id}, ${`${id}@example.com`}, 'drill', 'x') ON CONFLICT (id) DO NOTHING
      RETURNING id, origin, position)
    SELECT id, origin, position FROM made
    UNION ALL SELECT id, origin, position FROM "User" WHERE id = ${id}
    LIMIT 1`;
  // Another transaction is about to commit it, or came between this one's snapshot and its insert.
  if (!rows[0]) throw new RegionTimeoutError(0);
  return rows[0];
}

import type { EntityType } from "@/lib/db/conflicts/entities";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/**
 * Whether a region has received a version of the row that it could not store: a dead letter is open. The region's position
 * says that it has it all the same.
 */
export async function isPending(
  db: PrismaClient,
  { entity, id }: { entity: EntityType; id: string },
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ pending: boolean }[]>`
    SELECT mr.is_pending(${entity}::text, ${id}::text) AS pending`;
  return row?.pending === true;
}

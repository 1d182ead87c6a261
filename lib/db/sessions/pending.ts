import type { EntityType } from "@/lib/db/conflicts/entities";
import { within } from "@/lib/db/regions/faults";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** How long a region may take to say it before another one is asked for the row. */
const ANSWER_MS = 3_000;

/**
 * Whether a region has received a version of the row that it could not store: a dead letter is open. The region's position
 * says that it has it all the same. Fails if the region does not answer soon.
 */
export async function isPending(
  db: PrismaClient,
  { entity, id }: { entity: EntityType; id: string },
): Promise<boolean> {
  const rows = db.$queryRaw<{ pending: boolean }[]>`
    SELECT mr.is_pending(${entity}::text, ${id}::text) AS pending`;
  const [row] = await within(ANSWER_MS, rows);
  return row?.pending === true;
}

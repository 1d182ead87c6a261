import type { RegionId } from "@/lib/db/regions/region-id";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** A database that is asked in SQL: a pool of `pg`, or the application's client. */
export interface Queryable {
  query<R extends object>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/** A region as an operator reaches it, in whatever role. */
export interface OperatorRegion {
  readonly id: RegionId;
  readonly db: Queryable;
}

/** @param client of the role meridian_app; texts are constants and values are parameters, as with `pg` */
export function queryableOf(client: PrismaClient): Queryable {
  return {
    query: async <R extends object>(text: string, values: unknown[] = []) => ({
      rows: await client.$queryRawUnsafe<R[]>(text, ...values),
    }),
  };
}

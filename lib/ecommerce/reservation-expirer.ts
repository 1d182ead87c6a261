import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";

/** Reservations that one transaction ends: it holds the lock of their products. */
const BATCH = 200;

/**
 * Those that have run out by the clock of the database that holds them go back to its stock. Another worker
 * of the region, or a buyer who is faster, takes the row's lock first, and then it is theirs.
 */
const EXPIRE = `
  WITH due AS (
    SELECT "id" FROM "Reservation"
    WHERE "regionId" = mr.local_region() AND "status" = 'held' AND "expiresAt" <= clock_timestamp()
      AND "deletedAt" IS NULL
    ORDER BY "expiresAt" LIMIT $1 FOR UPDATE SKIP LOCKED
  ), ended AS (
    UPDATE "Reservation" r SET "status" = 'expired', "settledAt" = clock_timestamp()
    FROM due WHERE r."id" = due."id" RETURNING r."productId", r."quantity"
  ), products AS (
    SELECT p."id" FROM "Product" p WHERE p."id" IN (SELECT "productId" FROM ended)
    ORDER BY p."id" FOR UPDATE
  ), back AS (
    UPDATE "Product" p SET "stock" = p."stock" + e."quantity"
    FROM (SELECT "productId", sum("quantity")::integer AS "quantity" FROM ended GROUP BY "productId") e, products l
    WHERE p."id" = e."productId" AND l."id" = p."id"
  )
  SELECT count(*)::integer AS ended FROM ended`;

/** Ends what a region's buyers have reserved and not confirmed in time. */
export class ReservationExpirer implements Service {
  readonly name = "reservation expirer";
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: pg.Pool,
    private readonly intervalMs = 1_000,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const ended = await this.expire().catch((err: unknown) => {
        getLogger("inventory").warn({ err }, "reservations not expired");
        return 0;
      });
      if (ended < BATCH) await systemSleep(this.intervalMs, signal);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Number of reservations ended. */
  async expire(): Promise<number> {
    const { rows } = await this.store.query<{ ended: number }>(EXPIRE, [BATCH]);
    return rows[0]?.ended ?? 0;
  }
}

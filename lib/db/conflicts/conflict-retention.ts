import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";

/** Rows that one transaction marks: a longer one would hold back the horizon. */
const CHUNK = 500;

/**
 * Forgets settled conflicts after a while: those that a strategy resolved, and those that a person
 * decided, with their decisions. Open ones stay, however old. It runs in every region's worker and
 * works in the leading one alone, so that a row gets one tombstone, not one of each region.
 */
export class ConflictRetention implements Service {
  readonly name = "conflict retention";
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: pg.Pool,
    private readonly retentionDays: number,
    private readonly intervalMs = 15 * 60_000,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        while ((await this.forget()) >= CHUNK && !signal.aborted);
      } catch (err) {
        getLogger("conflicts").warn({ err }, "settled conflicts not removed");
      }
      await systemSleep(this.intervalMs, signal);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** One transaction's worth. Returns the number of conflicts that it marked. */
  async forget(limit = CHUNK): Promise<number> {
    const { rows } = await this.store.query<{ forgotten: number }>(
      `WITH old AS (
         SELECT c."id" FROM "Conflict" c
         LEFT JOIN "ConflictResolution" r ON r."id" = c."id" AND r."deletedAt" IS NULL
         WHERE c."deletedAt" IS NULL
           AND c."detectedAt" < now() - make_interval(days => $1)
           AND CASE WHEN r."id" IS NULL THEN c."outcome" = 'resolved'
               ELSE r."resolvedAt" < now() - make_interval(days => $1) END
           AND (SELECT leader FROM mr.leadership) = mr.local_region()
         ORDER BY c."detectedAt", c."id" LIMIT $2
       ), decisions AS (
         UPDATE "ConflictResolution" r SET "deletedAt" = now()
         FROM old WHERE r."id" = old."id" AND r."deletedAt" IS NULL
       ), forgotten AS (
         UPDATE "Conflict" c SET "deletedAt" = now()
         FROM old WHERE c."id" = old."id" AND c."deletedAt" IS NULL
         RETURNING c."id"
       )
       SELECT count(*)::int AS forgotten FROM forgotten`,
      [this.retentionDays, limit],
    );
    return rows[0]?.forgotten ?? 0;
  }
}

import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";

/** Articles that one transaction publishes: a longer one would hold back the horizon. */
const BATCH = 100;

/**
 * Publishes what is due by this database's clock, while this database holds the lease; an article that is kept in
 * some regions only, which the leader may not be one of, is published by each of those. What is written follows from
 * the schedule alone: the version's id, what it says and the key of `live`. So a region that wrongly believes to
 * lead, or one that leads next and has not heard of it, writes the same rows, which are one row everywhere. The
 * key is that of the schedule and not of the moment: whoever has taken the article down, or has published another
 * version, after it was scheduled has decided later, also where that is not known here yet.
 */
const PUBLISH = `
  WITH due AS (
    SELECT i."id", split_part(i."schedule", ' ', 1) AS "key", split_part(i."schedule", ' ', 3) AS "versionId"
    FROM "ContentItem" i
    WHERE i."deletedAt" IS NULL
      AND i."schedule" IS NOT NULL AND i."schedule" NOT LIKE '% -'
      AND split_part(i."schedule", ' ', 2) COLLATE "C"
        <= lpad(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint::text, 13, '0')
      AND split_part(i."schedule", ' ', 1) COLLATE "C" > split_part(coalesce(i."live", ''), ' ', 1)
      AND (mr.leading() IS NOT NULL OR EXISTS (
        SELECT FROM "Placement" p WHERE p."id" = 'ContentItem/' || i."id" AND p."regions" <> '{}'))
    ORDER BY split_part(i."schedule", ' ', 2) COLLATE "C" LIMIT $1 FOR UPDATE SKIP LOCKED
  ), published AS (
    UPDATE "ContentItem" i
    SET "live" = d."key" || ' ' || d."versionId" || ':due', "updatedAt" = now()
    FROM due d JOIN "ContentVersion" v ON v."id" = d."versionId" AND v."contentId" = d."id"
    WHERE i."id" = d."id"
    RETURNING i."id", i."clock", v."id" AS "versionId", v."title", v."body", v."authorId"
  ), versions AS (
    INSERT INTO "ContentVersion"
      ("id", "contentId", "action", "title", "body", "contentClock", "authorId", "regionId")
    SELECT p."versionId" || ':due', p."id", 'published', p."title", p."body", p."clock", p."authorId",
      mr.local_region()
    FROM published p
    ON CONFLICT ("id") DO NOTHING
  )
  SELECT count(*)::integer AS published FROM published`;

/** Publishes scheduled versions when they are due; one runs in every worker, and mostly that of the leader works. */
export class ScheduledPublisher implements Service {
  readonly name = "scheduled publisher";
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: pg.Pool,
    private readonly intervalMs = 500,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const published = await this.publishDue().catch((err: unknown) => {
        getLogger("cms").warn({ err }, "scheduled versions not published");
        return 0;
      });
      if (published < BATCH) await systemSleep(this.intervalMs, signal);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Number of articles published; where another region leads, of those that are kept here. */
  async publishDue(): Promise<number> {
    const { rows } = await this.store.query<{ published: number }>(PUBLISH, [BATCH]);
    return rows[0]?.published ?? 0;
  }
}

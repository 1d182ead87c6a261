import { askRegions } from "@/lib/ask-regions";
import type { Queryable } from "@/lib/db/failover/queryable";
import type { RegionId } from "@/lib/db/regions/region-id";

/** Something that was done by hand, as the region has it where it was done. */
export interface AuditRecord {
  /** Unique among those of its region. */
  id: string;
  regionId: string;
  /** ISO 8601, to the microsecond, by the region's clock. */
  at: string;
  /** A user's id; null: the region itself. */
  userId: string | null;
  /** Of that user, where the region knows it. */
  userName: string | null;
  /** Such as `leadership.switchover`. */
  action: string;
  subject: string;
  detail: Record<string, unknown>;
  result: string;
}

export interface AuditPage {
  records: AuditRecord[];
  /** To continue before; null at the end. */
  next: string | null;
  /** Regions that did not answer: what was done there is missing. */
  missing: RegionId[];
}

const PAGE = 50;

/**
 * What was done in all regions, newest first, as seen from a vantage.
 *
 * @param before ISO 8601; only what is older
 */
export async function readAudit(vantage: RegionId, before: string | null): Promise<AuditPage> {
  // What is older is another question.
  const answers = await askRegions(vantage, `audit ${before ?? ""}`, ({ id, write }) =>
    readRegion(write, id, before),
  );
  const all = [...answers.values()]
    .flatMap((answer) => (answer.kind === "answer" ? answer.value : []))
    .sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? 1 : -1));
  const records = all.slice(0, PAGE);
  return {
    records,
    next: all.length > PAGE ? (records.at(-1)?.at ?? null) : null,
    missing: [...answers].flatMap(([id, { kind }]) => (kind === "answer" ? [] : [id])),
  };
}

/** One more than a page: whether there is another one. */
async function readRegion(
  db: Queryable,
  region: RegionId,
  before: string | null,
): Promise<AuditRecord[]> {
  const { rows } = await db.query<AuditRecord>(
    `SELECT a.id::text, $1::text AS "regionId",
       to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
       a.actor_user AS "userId", u.name AS "userName", a.action, a.subject, a.detail, a.result
     FROM mr.list_audit_before($2::timestamptz, $3::integer) a
     LEFT JOIN "Person" u ON u.id = a.actor_user
     ORDER BY a.at DESC, a.id DESC`,
    [region, before, PAGE + 1],
  );
  return rows;
}

/** A point in time from a URL, or null. */
export function parseBefore(text: unknown): string | null {
  if (typeof text !== "string") return null;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(text) &&
    !Number.isNaN(Date.parse(text))
    ? text
    : null;
}

import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { askRegion, type RegionAnswer } from "@/lib/region-answer";
import type { AuditEntry, DeadLetterOutcome, ParkedRow, ParkedRowDetail } from "./types";

/* Dead letters of one region, through that region's own client: they are replicated nowhere. */

const ROWS = 100;
const AUDITS = 20;

/** A row, in the region whose dead letters it has. */
export interface ParkedRowKey {
  region: RegionId;
  entity: string;
  entityId: string;
}

function client(vantage: RegionId, region: RegionId) {
  return multiRegionDb.from(vantage).getWriteClient(region);
}

/** Rows with open dead letters, the longest waiting first, at most a hundred. */
export function listParkedRows(
  vantage: RegionId,
  region: RegionId,
): Promise<RegionAnswer<{ rows: ParkedRow[]; audit: AuditEntry[] }>> {
  const db = client(vantage, region);
  const read = async () => {
    const [rows, audit] = await Promise.all([
      db.$queryRaw<(Omit<ParkedRow, "since" | "dueAt"> & { since: Date; dueAt: Date })[]>`
        SELECT entity, entity_id AS "entityId", events, sqlstate, message, attempts, origins, since,
          due_at AS "dueAt"
        FROM mr.list_dead_letters(${ROWS}::integer)`,
      db.$queryRaw<(Omit<AuditEntry, "at"> & { at: Date })[]>`
        SELECT id::text, at, actor_user AS actor, action, subject, result
        FROM mr.list_audit('dead-letter.', ${AUDITS}::integer)`,
    ]);
    return {
      rows: rows.map((row) => ({
        ...row,
        since: row.since.toISOString(),
        dueAt: row.dueAt.toISOString(),
      })),
      audit: audit.map((entry) => ({ ...entry, at: entry.at.toISOString() })),
    };
  };
  return askRegion(read());
}

/** Null when nothing is parked for the row. */
export function readParkedRow(
  vantage: RegionId,
  { region, entity, entityId }: ParkedRowKey,
): Promise<RegionAnswer<ParkedRowDetail | null>> {
  const read = async () => {
    const [row] = await client(vantage, region).$queryRaw<{ detail: ParkedRowDetail | null }[]>`
      SELECT mr.read_dead_letters(${entity}, ${entityId}) AS detail`;
    return row?.detail ?? null;
  };
  return askRegion(read());
}

type OutcomeRows = { outcome: DeadLetterOutcome }[];

async function decide(question: Promise<OutcomeRows>): Promise<RegionAnswer<DeadLetterOutcome>> {
  const answer = await askRegion(question);
  if (answer.kind === "unreachable") return answer;
  return { kind: "answer", value: answer.value[0]?.outcome ?? { kind: "nothing" } };
}

/** @param by the id of the user who asks, for the audit */
export function retryParkedRow(vantage: RegionId, key: ParkedRowKey, by: string) {
  return decide(
    client(vantage, key.region).$queryRaw<OutcomeRows>`
      SELECT mr.retry_dead_letters(${key.entity}, ${key.entityId}, ${by}) AS outcome`,
  );
}

/** @param lastId the newest event that was shown; a newer one makes the outcome `stale` */
export function editParkedRow(
  vantage: RegionId,
  key: ParkedRowKey,
  { lastId, values, by }: { lastId: string; values: Record<string, unknown>; by: string },
) {
  return decide(
    client(vantage, key.region).$queryRaw<OutcomeRows>`
      SELECT mr.edit_dead_letters(${key.entity}, ${key.entityId}, ${lastId}::bigint,
        ${JSON.stringify(values)}::jsonb, ${by}) AS outcome`,
  );
}

/** @param lastId the newest event that was shown; a newer one makes the outcome `stale` */
export function discardParkedRow(
  vantage: RegionId,
  key: ParkedRowKey,
  { lastId, by }: { lastId: string; by: string },
) {
  return decide(
    client(vantage, key.region).$queryRaw<OutcomeRows>`
      SELECT mr.discard_dead_letters(${key.entity}, ${key.entityId}, ${lastId}::bigint, ${by}) AS outcome`,
  );
}

import type pg from "pg";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { positionsToJson, toPosition, type Position } from "@/lib/db/sessions/positions";
import type { Attempt, AttemptKind, AttemptStatus, AttemptStep } from "./attempt";
import type { PromotionResult } from "./promotion";
import type { Queryable } from "./queryable";

interface Row {
  id: string;
  kind: AttemptKind;
  from_region: RegionId | null;
  to_region: RegionId;
  epoch: string | null;
  reason: string;
  requested_by: string;
  status: AttemptStatus;
  steps: AttemptStep[];
  error_code: Attempt["failure"];
  error: string | null;
  cut: Record<string, string>;
  requested_at: string;
  started_at: string | null;
  completed_at: string | null;
}

function toRow(attempt: Attempt): Row {
  return {
    id: attempt.id,
    kind: attempt.kind,
    from_region: attempt.from,
    to_region: attempt.to,
    epoch: attempt.epoch === null ? null : `${attempt.epoch}`,
    reason: attempt.reason,
    requested_by: attempt.requestedBy,
    status: attempt.status,
    steps: attempt.steps,
    error_code: attempt.failure,
    error: attempt.error,
    cut: attempt.cut,
    requested_at: attempt.requestedAt,
    started_at: attempt.startedAt,
    completed_at: attempt.completedAt,
  };
}

function toAttempt(row: Row): Attempt {
  return {
    id: row.id,
    kind: row.kind,
    from: row.from_region,
    to: row.to_region,
    epoch: row.epoch === null ? null : BigInt(row.epoch),
    reason: row.reason,
    requestedBy: row.requested_by,
    status: row.status,
    steps: row.steps,
    failure: row.error_code,
    error: row.error,
    cut: row.cut,
    requestedAt: row.requested_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  };
}

/** Writes an attempt as it is now into one region's history. */
export async function putAttempt(pool: pg.Pool, attempt: Attempt): Promise<void> {
  await pool.query(
    "SELECT mr.put_attempt($1::jsonb || jsonb_build_object('seen_at', clock_timestamp()))",
    [JSON.stringify(toRow(attempt))],
  );
}

const SELECT_ATTEMPTS = `SELECT to_jsonb(a) || jsonb_build_object('epoch', a.epoch::text) AS attempt
  FROM mr.failover_attempt a`;

/** Newest first. */
export async function readAttempts(db: Queryable, limit: number): Promise<Attempt[]> {
  const { rows } = await db.query<{ attempt: Row }>(
    `${SELECT_ATTEMPTS} ORDER BY requested_at DESC LIMIT $1`,
    [limit],
  );
  return rows.map(({ attempt }) => toAttempt(attempt));
}

export async function readAttempt(db: Queryable, id: string): Promise<Attempt | null> {
  const { rows } = await db.query<{ attempt: Row }>(`${SELECT_ATTEMPTS} WHERE id = $1`, [id]);
  return rows[0] ? toAttempt(rows[0].attempt) : null;
}

/** The attempt as it ended. */
export function ended(attempt: Attempt, result: PromotionResult, nowIso: string): Attempt {
  const common = { ...attempt, completedAt: nowIso };
  switch (result.kind) {
    case "completed":
      return { ...common, status: "completed", cut: positionsToJson(result.cut) };
    case "failed":
    case "rolled_back":
      return { ...common, status: result.kind, failure: result.failure, error: result.error };
    default:
      return result satisfies never;
  }
}

interface UnseenEvent {
  entity: string;
  entity_id: string;
  position: string;
  origin: Actor;
  hlc: string;
  clock: string;
}

/** What a former leader wrote to single-leader entities past a position. */
export async function unseenEvents(former: pg.Pool, after: Position): Promise<UnseenEvent[]> {
  const { rows } = await former.query<UnseenEvent>(
    `SELECT entity, entity_id, position::text, origin, hlc::text, clock::text
     FROM mr.unseen_events($1::bigint)`,
    [`${after}`],
  );
  return rows;
}

/** Notes what became of them in `pool`'s region, which has applied them. */
export async function noteStranded(
  pool: pg.Pool,
  epoch: bigint,
  events: readonly UnseenEvent[],
): Promise<void> {
  for (const event of events) {
    await pool.query(
      "SELECT mr.note_stranded($1::bigint, $2, $3, $4::bigint, $5, $6::bigint, $7::jsonb)",
      [
        `${epoch}`,
        event.entity,
        event.entity_id,
        event.position,
        event.origin,
        event.hlc,
        event.clock,
      ],
    );
  }
}

export function lastPosition(events: readonly UnseenEvent[]): Position {
  return events.reduce<Position>((last, { position }) => {
    const at = toPosition(position);
    return at > last ? at : last;
  }, toPosition(0n));
}

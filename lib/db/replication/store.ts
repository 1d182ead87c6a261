import pg from "pg";
import { getLogger } from "@/lib/log";
import { ConfigurationError } from "@/lib/errors";
import type { Actor } from "@/lib/db/regions/region-id";
import { toPosition, type Position } from "@/lib/db/sessions/positions";
import type { BusMode } from "./bus";
import { joinParts, toBinaryArray, type Batch, type EntityRows } from "./batch";

/** Longest wait for a lock; shorter than the client's own time-out. */
const LOCK_TIMEOUT_MS = 10_000;

/** Longest time for trying the rows of a batch apart. */
const ISOLATE_TIMEOUT_MS = 300_000;

/** Connections of a worker to one region, as the owner and not through a pooler. */
export function connectStore(
  url: string,
  options: { max?: number; queryTimeoutMs?: number } = {},
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 3,
    connectionTimeoutMillis: 3_000,
    // The only bound on a link that swallows everything: without it a query hangs for ever.
    query_timeout: options.queryTimeoutMs ?? 15_000,
    // Ends at the server too what waits for a row that someone holds: giving up here alone would
    // leave a waiting backend behind with each attempt.
    lock_timeout: LOCK_TIMEOUT_MS,
    keepAlive: true,
    application_name: "meridian-worker",
  });
  // The pool listens to idle connections only; one that breaks in mid-query would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  pool.on("error", (err) => getLogger("store").debug({ err }, "idle connection lost"));
  return pool;
}

export interface LocalIdentity {
  region: string;
  actor: Actor;
}

/** Throws ConfigurationError unless the database is `region`'s and keeps what it acknowledges. */
export async function checkLocalStore(pool: pg.Pool, region: string): Promise<LocalIdentity> {
  const { rows } = await pool.query<{
    region: string | null;
    actor: Actor | null;
    fsync: string;
    synchronous_commit: string;
    full_page_writes: string;
  }>(`SELECT mr.local_region() AS region, mr.local_actor() AS actor,
        current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('full_page_writes') AS full_page_writes`);
  const row = rows[0];
  if (row?.region !== region || row.actor === null) {
    throw new ConfigurationError(
      `The database of ${region} says that it is ${row?.region ?? "of no region"}: run "npm run db:migrate" or check its endpoint.`,
    );
  }
  for (const setting of ["fsync", "synchronous_commit", "full_page_writes"] as const) {
    if (row[setting] === "off") {
      throw new ConfigurationError(
        `The database of ${region} runs with ${setting} off: a crash could take back a position that others have applied.`,
      );
    }
  }
  return { region: row.region, actor: row.actor };
}

/** Next events of a region past a position: at most about `limit` per entity, never part of a transaction. */
export async function readOutbox(
  pool: pg.Pool | pg.PoolClient,
  after: Position,
  limit: number,
  { timeoutMs }: { timeoutMs?: number } = {},
): Promise<Batch> {
  const { rows } = await pool.query<{
    actor: Actor;
    schema_version: number;
    entity: string | null;
    events: number;
    payload: Buffer | null;
    upto: string;
    source_time: string;
    complete: boolean;
  }>({
    name: "mr_read_outbox",
    text: `SELECT mr.local_actor() AS actor, mr.schema_version() AS schema_version, entity, events,
             payload, upto::text, to_json(source_time) #>> '{}' AS source_time, complete FROM mr.read_outbox($1::bigint, $2)`,
    values: [after.toString(), limit],
    ...(timeoutMs === undefined ? {} : { query_timeout: timeoutMs }),
  });
  const first = rows[0];
  if (!first) throw new Error("mr.read_outbox returned nothing");
  return {
    actor: first.actor,
    prev: after,
    upto: toPosition(first.upto),
    schemaVersion: first.schema_version,
    sourceTime: first.source_time,
    complete: first.complete,
    rows: joinParts(
      rows.flatMap(({ entity, events, payload }): EntityRows[] =>
        entity === null || payload === null ? [] : [{ entity, count: events, elements: payload }],
      ),
    ),
  };
}

export type ApplyOutcome = "applied" | "duplicate" | "gap" | "schema" | "clock-ahead";

/** Replicated entities of a database and the oids of their outbox rows. */
export async function readEntityTypes(pool: pg.Pool): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ name: string; oid: string }>(
    `SELECT e.name, c.reltype::oid::text AS oid FROM mr.entity e
     JOIN pg_class c ON c.relname = 'outbox_' || e.name AND c.relnamespace = 'mr'::regnamespace`,
  );
  return new Map(rows.map((row) => [row.name, Number(row.oid)]));
}

/**
 * Merges a batch and moves the stream's cursor in one transaction and one round trip. `types` are
 * those of `pool`'s database. An entity that it does not have makes the outcome "schema". `isolate`
 * parks rows that cannot be applied, instead of failing for them.
 */
export async function applyBatch(
  pool: pg.Pool,
  types: ReadonlyMap<string, number>,
  batch: Batch,
  { isolate = false }: { isolate?: boolean } = {},
): Promise<ApplyOutcome> {
  const values: unknown[] = [
    batch.actor,
    batch.prev.toString(),
    batch.upto.toString(),
    batch.schemaVersion,
    batch.sourceTime,
    batch.complete,
  ];
  const named: string[] = [];
  for (const rows of [...batch.rows].sort((a, b) => (a.entity < b.entity ? -1 : 1))) {
    const oid = types.get(rows.entity);
    if (oid === undefined) return "schema";
    values.push(toBinaryArray(oid, rows));
    named.push(
      `, ${pg.escapeIdentifier(`p_${rows.entity}`)} => $${values.length}::mr.${pg.escapeIdentifier(`outbox_${rows.entity}`)}[]`,
    );
  }
  if (isolate) named.unshift(", p_isolate => true");
  const text = `SELECT mr.apply_batch($1, $2::bigint, $3::bigint, $4, $5::timestamptz, $6${named.join("")})::text AS outcome`;
  const { rows } = await pool.query<{ outcome: ApplyOutcome }>({
    text,
    values,
    // Many failing rows are many attempts, and giving up would only begin them again.
    ...(isolate ? { query_timeout: ISOLATE_TIMEOUT_MS } : {}),
  });
  const outcome = rows[0]?.outcome;
  if (outcome === undefined) throw new Error("mr.apply_batch returned nothing");
  return outcome;
}

/** How far a database has applied an actor's events; 0 before the first. */
export async function readCursor(pool: pg.Pool, actor: Actor): Promise<Position> {
  const { rows } = await pool.query<{ position: string }>(
    "SELECT position::text FROM mr.cursor WHERE actor = $1",
    [actor],
  );
  return toPosition(rows[0]?.position ?? "0");
}

/** Notes that everything up to `upto` had been applied when the origin's clock said `sourceTime`. */
export async function touchCursor(
  pool: pg.Pool,
  actor: Actor,
  upto: Position,
  sourceTime: string,
): Promise<void> {
  await pool.query({
    name: "mr_touch_cursor",
    text: `INSERT INTO mr.cursor AS c (actor, complete_at, transit_ms)
           VALUES ($1, $3::timestamptz, mr.ms_since($3::timestamptz))
           ON CONFLICT (actor) DO UPDATE
           SET complete_at = greatest(c.complete_at, EXCLUDED.complete_at), transit_ms = EXCLUDED.transit_ms
           WHERE c.position >= $2::bigint`,
    values: [actor, upto.toString(), sourceTime],
  });
}

/** Says that this region's worker is alive, and by which way it tells of events; counts a beat. */
export async function recordWorker(pool: pg.Pool, bus: BusMode): Promise<void> {
  await pool.query({
    name: "mr_record_worker",
    text: `WITH worker AS (
             INSERT INTO mr.worker (bus, seen_at) VALUES ($1, clock_timestamp())
             ON CONFLICT (singleton) DO UPDATE SET bus = EXCLUDED.bus, seen_at = EXCLUDED.seen_at)
           SELECT mr.count_beat()::text`,
    values: [bus],
  });
}

/** Says why a stream stands still; null once it moves again. */
export async function recordStall(
  pool: pg.Pool,
  actor: Actor,
  stall: { reason: string; detail: string } | null,
): Promise<void> {
  if (stall === null) {
    // Whatever the incarnation: a stall may be of one that the region has since left.
    await pool.query(
      "DELETE FROM mr.stall WHERE split_part(actor, '#', 1) = split_part($1, '#', 1)",
      [actor],
    );
    return;
  }
  await pool.query(
    `INSERT INTO mr.stall (actor, reason, detail) VALUES ($1, $2, $3)
     ON CONFLICT (actor) DO UPDATE SET reason = EXCLUDED.reason, detail = EXCLUDED.detail`,
    [actor, stall.reason, stall.detail.slice(0, 500)],
  );
}

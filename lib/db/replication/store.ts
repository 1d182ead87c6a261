import { createHash } from "node:crypto";
import pg from "pg";
import { getLogger } from "@/lib/log";
import { ConfigurationError } from "@/lib/errors";
import type { Actor } from "@/lib/db/regions/region-id";
import { toPosition, type Position } from "@/lib/db/sessions/positions";
import type { BusMode } from "./bus";
import { joinParts, sizeOf, toBinaryArray, type Batch, type EntityRows } from "./batch";

/** Longest wait for a lock; shorter than the client's own time-out. */
const LOCK_TIMEOUT_MS = 10_000;

/** Longest wait for an answer, unless told otherwise. */
const QUERY_TIMEOUT_MS = 15_000;

/** A batch of more bytes, which is one transaction, may take longer: as long as a slow region needs. */
const LARGE_BATCH_BYTES = 8 * 1024 * 1024;
const APPLIED_BYTES_PER_MS = 5_000;

/** Batches of so many entities are prepared once; of more there are too many kinds to keep each. */
const NAMED_ENTITIES = 2;

/** Longest time for trying the rows of a batch apart. */
const ISOLATE_TIMEOUT_MS = 300_000;

/** Connections of a worker to one region: to its own as the owner, to others as a peer. Not through a pooler. */
export function connectStore(
  url: string,
  options: { max?: number; min?: number; queryTimeoutMs?: number } = {},
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 3,
    /** So many are not closed for being idle. */
    min: options.min ?? 0,
    connectionTimeoutMillis: 3_000,
    // The only bound on a link that swallows everything: without it a query hangs for ever.
    query_timeout: options.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
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

/** Larger rows cost the client up to three times as much to take in: it copies what it has of one to make room for more. */
const PIECE_BYTES = 4 * 1024 * 1024;

export interface OutboxRead {
  batch: Batch;
  /** Events in it, or that would be. */
  events: number;
  /** Its rows are more than `maxBytes`, and were left where they are. */
  tooLarge: boolean;
  /** For everybody: there are rows that not everybody may have, and that are not in it. */
  withheld: boolean;
}

/** Whoever listens to the bus. */
export const EVERYBODY = null;

/**
 * Next events of a region past a position: at most about `limit` per entity, never part of a transaction.
 *
 * @param reader whose residency counts: rows that must not be there are left out, and count as read
 * @param options.maxBytes of all rows together; more are not sent
 */
export async function readOutboxWithin(
  pool: pg.Pool | pg.PoolClient,
  reader: string | typeof EVERYBODY,
  after: Position,
  limit: number,
  options: { timeoutMs?: number; maxBytes?: number } = {},
): Promise<OutboxRead> {
  const { timeoutMs, maxBytes = null } = options;
  const { rows } = await pool.query<{
    actor: Actor;
    schema_version: number;
    entity: string | null;
    events: number;
    payload: Buffer | null;
    too_large: boolean;
    withheld: boolean;
    upto: string;
    source_time: string;
    complete: boolean;
  }>({
    name: "mr_read_outbox",
    text: `SELECT mr.local_actor() AS actor, mr.schema_version() AS schema_version, entity,
             CASE piece WHEN 0 THEN events ELSE 0 END AS events,
             CASE WHEN NOT too_large THEN substr(payload, 1 + piece * $4::integer, $4::integer) END AS payload,
             too_large, withheld, upto::text, to_json(source_time) #>> '{}' AS source_time, complete
           FROM (SELECT *, coalesce(sum(octet_length(payload)) OVER () > $3::bigint, false) AS too_large
                 FROM mr.read_outbox($1::bigint, $2, $5)) AS o,
             generate_series(0, CASE WHEN too_large OR entity IS NULL THEN 0
               ELSE (octet_length(payload) - 1) / $4::integer END) AS piece`,
    values: [after.toString(), limit, maxBytes, PIECE_BYTES, reader],
    ...(timeoutMs === undefined ? {} : { query_timeout: timeoutMs }),
  });
  const first = rows[0];
  if (!first) throw new Error("mr.read_outbox returned nothing");
  return {
    batch: {
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
    },
    events: rows.reduce((sum, row) => sum + row.events, 0),
    tooLarge: first.too_large,
    withheld: first.withheld,
  };
}

/** The same, however large. */
export async function readOutbox(
  pool: pg.Pool | pg.PoolClient,
  reader: string | typeof EVERYBODY,
  after: Position,
  limit: number,
  options: { timeoutMs?: number } = {},
): Promise<Batch> {
  return (await readOutboxWithin(pool, reader, after, limit, options)).batch;
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
    ...(batch.rows.length <= NAMED_ENTITIES ? { name: nameOf(text) } : {}),
    text,
    values,
    // Many rows, or many failing ones, take long, and giving up would only begin them again.
    ...(isolate ? { query_timeout: ISOLATE_TIMEOUT_MS } : timeOfLarge(batch)),
  });
  const outcome = rows[0]?.outcome;
  if (outcome === undefined) throw new Error("mr.apply_batch returned nothing");
  return outcome;
}

function nameOf(text: string): string {
  return `mr_apply_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;
}

function timeOfLarge(batch: Batch): { query_timeout?: number } {
  const bytes = sizeOf(batch);
  if (bytes <= LARGE_BATCH_BYTES) return {};
  return { query_timeout: QUERY_TIMEOUT_MS + Math.ceil(bytes / APPLIED_BYTES_PER_MS) };
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

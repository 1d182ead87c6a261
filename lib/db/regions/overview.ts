import type { PrismaClient } from "@/lib/generated/prisma/client";
import { toPosition, type Position, type Positions } from "@/lib/db/sessions/positions";
import { regionOfActor, type Actor } from "./region-id";

/** What a region last saw of another one (or of itself). Times are ms by that region's clock. */
export interface PeerView {
  region: string;
  actor: Actor;
  head: Position;
  lastEvent: Position;
  /** Events of the peer that the region has not applied; counting stops at 10,000. */
  pending: number;
  schemaVersion: number;
  latencyMs: number;
  /** Peer's clock minus the region's. */
  clockOffsetMs: number;
  ageMs: number;
  /** How long asking has failed; null while it works. */
  failedForMs: number | null;
}

/** A stream into the region. */
export interface CursorView {
  actor: Actor;
  position: Position;
  /** From the origin's reading of the newest batch or heartbeat to its application here. */
  transitMs: number | null;
  /** Everything up to this long ago, by the origin's clock, has been applied. */
  stalenessMs: number | null;
  events: bigint;
}

/** State of one region as its own database tells it. */
export interface Overview {
  region: string;
  actor: Actor;
  leader: string;
  epoch: number;
  /** The epoch in which it may write single-leader entities; null without a lease, or in a replica. */
  leading: number | null;
  /** What is left of its lease, also as a replica knows it; null without one. */
  leaseMs: number | null;
  /** Nothing is promoted by itself. */
  paused: boolean;
  schemaVersion: number;
  /** Sessions of the whole server, and how many it takes. */
  connections: { used: number; max: number };
  registered: readonly string[];
  peers: ReadonlyMap<string, PeerView>;
  cursors: ReadonlyMap<Actor, CursorView>;
  peerCursors: ReadonlyMap<string, Positions>;
  stalls: ReadonlyMap<Actor, { reason: string; detail: string; forMs: number }>;
  /** Null until the region's first worker has reported. */
  worker: { bus: "redis" | "degraded"; ageMs: number } | null;
  /** `performance.now()` when it was read. */
  readAtMs: number;
}

/** Who leads, as one region's database knows it. */
export interface KnownLeader {
  leader: string;
  epoch: number;
  /** It holds the lease of that epoch itself, or is a replica of one that does. */
  holdsLease: boolean;
}

/** Half a millisecond of a database's time, where an overview takes two. */
export async function readKnownLeader(db: PrismaClient): Promise<KnownLeader> {
  const rows = await db.$queryRaw<KnownLeader[]>`
    SELECT l.leader, l.epoch::float8 AS epoch, mr.leading() IS NOT NULL
        OR (pg_is_in_recovery() AND h.epoch > r.last_value AND clock_timestamp() < h.valid_until) AS "holdsLease"
    FROM mr.leadership l, mr.lease h, mr.released r`;
  if (!rows[0]) throw new Error("This database has not been told its region");
  return rows[0];
}

interface Raw {
  region: string;
  actor: string;
  leader: string;
  epoch: number;
  leading: number | null;
  leaseMs: number | null;
  paused: boolean;
  schemaVersion: number;
  connections: { used: number; max: number };
  registered: string[] | null;
  peers:
    | {
        region: string;
        actor: string;
        head: string;
        lastEvent: string;
        pending: number;
        schemaVersion: number;
        latencyMs: number;
        clockOffsetMs: number;
        ageMs: number;
        failedForMs: number | null;
      }[]
    | null;
  cursors:
    | {
        actor: string;
        position: string;
        transitMs: number | null;
        stalenessMs: number | null;
        events: string;
      }[]
    | null;
  peerCursors: { region: string; actor: string; position: string }[] | null;
  worker: { bus: "redis" | "degraded"; ageMs: number } | null;
  stalls: { actor: string; reason: string; detail: string; forMs: number }[] | null;
}

/** One query, so one snapshot and one round trip to the region's read endpoint. */
export async function readOverview(db: PrismaClient): Promise<Overview> {
  const rows = await db.$queryRaw<{ overview: string }[]>`
    SELECT json_build_object(
      'region', mr.local_region(), 'actor', mr.local_actor(), 'leader', l.leader, 'epoch', l.epoch,
      'leading', mr.leading(), 'paused', (SELECT paused FROM mr.maintenance),
      'leaseMs', (SELECT CASE WHEN isfinite(h.valid_until)
            THEN (date_part('epoch', h.valid_until - clock_timestamp()) * 1000)::float8 ELSE 1e9 END
          FROM mr.lease h, mr.released r
          WHERE h.epoch > r.last_value AND clock_timestamp() < h.valid_until
            AND (mr.leading() IS NOT NULL OR pg_is_in_recovery())),
      'schemaVersion', mr.schema_version(),
      'connections', (SELECT json_build_object('used', sum(numbackends),
          'max', current_setting('max_connections')::integer) FROM pg_stat_database),
      'registered', (SELECT json_agg(id) FROM mr.region),
      'peers', (SELECT json_agg(json_build_object(
          'region', region, 'actor', actor, 'head', head::text, 'lastEvent', last_event::text,
          'pending', pending, 'schemaVersion', schema_version, 'latencyMs', latency_ms,
          'clockOffsetMs', clock_offset_ms, 'ageMs', mr.ms_since(observed_at),
          'failedForMs', mr.ms_since(failed_since))) FROM mr.peer),
      'cursors', (SELECT json_agg(json_build_object(
          'actor', actor, 'position', position::text, 'events', events::text,
          'transitMs', transit_ms, 'stalenessMs', mr.ms_since(complete_at))) FROM mr.cursor),
      'peerCursors', (SELECT json_agg(json_build_object(
          'region', region, 'actor', actor, 'position', position::text)) FROM mr.peer_cursor),
      'worker', (SELECT json_build_object('bus', bus, 'ageMs', mr.ms_since(seen_at)) FROM mr.worker),
      'stalls', (SELECT json_agg(json_build_object(
          'actor', actor, 'reason', reason, 'detail', detail, 'forMs', mr.ms_since(since))) FROM mr.stall)
    )::text AS overview
    FROM mr.leadership l`;
  const text = rows[0]?.overview;
  if (text === undefined) throw new Error("This database has not been told its region");
  return parse(JSON.parse(text) as Raw);
}

function parse(raw: Raw): Overview {
  const peerCursors = new Map<string, Map<Actor, Position>>();
  for (const cursor of raw.peerCursors ?? []) {
    const positions = peerCursors.get(cursor.region) ?? new Map<Actor, Position>();
    positions.set(cursor.actor as Actor, toPosition(cursor.position));
    peerCursors.set(cursor.region, positions);
  }
  return {
    region: raw.region,
    actor: raw.actor as Actor,
    leader: raw.leader,
    epoch: raw.epoch,
    leading: raw.leading,
    leaseMs: raw.leaseMs,
    paused: raw.paused,
    schemaVersion: raw.schemaVersion,
    connections: raw.connections,
    registered: raw.registered ?? [],
    peers: new Map(
      (raw.peers ?? []).map((peer) => [
        peer.region,
        {
          ...peer,
          actor: peer.actor as Actor,
          head: toPosition(peer.head),
          lastEvent: toPosition(peer.lastEvent),
        },
      ]),
    ),
    cursors: new Map(
      (raw.cursors ?? []).map((cursor) => [
        cursor.actor as Actor,
        {
          ...cursor,
          actor: cursor.actor as Actor,
          position: toPosition(cursor.position),
          events: BigInt(cursor.events),
        },
      ]),
    ),
    peerCursors,
    stalls: new Map((raw.stalls ?? []).map((stall) => [stall.actor as Actor, stall])),
    worker: raw.worker,
    readAtMs: performance.now(),
  };
}

/**
 * For each actor the position that every registered region has applied, as this region knows it.
 * An entry of a session at or below it needs no further check. Regions never heard of count as
 * having applied nothing.
 */
export function appliedEverywhere(overview: Overview): Positions {
  const floor = new Map<Actor, Position>();
  const actors = new Set<Actor>([overview.actor, ...overview.cursors.keys()]);
  for (const actor of actors) {
    let lowest: Position | undefined;
    for (const region of overview.registered) {
      if (region === regionOfActor(actor) && isCurrent(overview, region, actor)) continue;
      const position =
        region === overview.region
          ? overview.cursors.get(actor)?.position
          : overview.peerCursors.get(region)?.get(actor);
      if (position === undefined) {
        lowest = undefined;
        break;
      }
      if (lowest === undefined || position < lowest) lowest = position;
    }
    if (lowest !== undefined) floor.set(actor, lowest);
  }
  return floor;
}

/** A region has all that it wrote; once rebuilt, not all that its former incarnation did. */
function isCurrent(overview: Overview, region: string, actor: Actor): boolean {
  const current = region === overview.region ? overview.actor : overview.peers.get(region)?.actor;
  return current === undefined || current === actor;
}

/** How far behind a region may be, in ms, over all streams into it; Infinity while one is unknown. */
export function stalenessBoundMs(overview: Overview): number {
  let bound = 0;
  for (const region of overview.registered) {
    if (region === overview.region) continue;
    const peer = overview.peers.get(region);
    const cursor = overview.cursors.get(peer?.actor ?? (region as Actor));
    // `stalenessMs` is this region's time less the origin's: add what their clocks differ by.
    bound = Math.max(bound, (cursor?.stalenessMs ?? Infinity) + (peer?.clockOffsetMs ?? 0));
  }
  return bound;
}

import type { CursorView, Overview, PeerView } from "@/lib/db/regions/overview";
import type { Actor } from "@/lib/db/regions/region-id";
import { toPosition, type Position, type Positions } from "@/lib/db/sessions/positions";

export const actor = (name: string): Actor => name as Actor;

/** Positions by actor, written as `{ "eu-west-1": 7n }`. */
export function positions(byActor: Record<string, bigint>): Positions {
  return new Map(
    Object.entries(byActor).map(([name, value]): [Actor, Position] => [
      actor(name),
      toPosition(value),
    ]),
  );
}

export function peerView(region: string, changes: Partial<PeerView> = {}): PeerView {
  return {
    region,
    actor: actor(region),
    head: toPosition(1_000n),
    lastEvent: toPosition(900n),
    pending: 0,
    schemaVersion: 4,
    latencyMs: 80,
    clockOffsetMs: 0,
    ageMs: 100,
    failedForMs: null,
    ...changes,
  };
}

export function cursorView(name: string, changes: Partial<CursorView> = {}): CursorView {
  return {
    actor: actor(name),
    position: toPosition(900n),
    transitMs: 40,
    stalenessMs: 300,
    events: 12n,
    ...changes,
  };
}

export interface OverviewChanges {
  region?: string;
  actor?: string;
  leader?: string;
  epoch?: number;
  leading?: number | null;
  paused?: boolean;
  registered?: readonly string[];
  peers?: readonly PeerView[];
  cursors?: readonly CursorView[];
  peerCursors?: Record<string, Record<string, bigint>>;
  stalls?: Record<string, { reason: string; detail: string; forMs: number }>;
  worker?: Overview["worker"];
  readAtMs?: number;
}

/** What the database of eu-west-1 might tell, unless said otherwise. */
export function overview(changes: OverviewChanges = {}): Overview {
  const region = changes.region ?? "eu-west-1";
  return {
    region,
    actor: actor(changes.actor ?? region),
    leader: changes.leader ?? "us-east-1",
    epoch: changes.epoch ?? 1,
    leading: changes.leading ?? null,
    leaseMs: changes.leading == null ? null : 900,
    paused: changes.paused ?? false,
    schemaVersion: 4,
    connections: { used: 12, max: 200 },
    registered: changes.registered ?? ["us-east-1", "eu-west-1", "ap-southeast-1"],
    peers: new Map((changes.peers ?? []).map((peer) => [peer.region, peer])),
    cursors: new Map((changes.cursors ?? []).map((cursor) => [cursor.actor, cursor])),
    peerCursors: new Map(
      Object.entries(changes.peerCursors ?? {}).map(([peer, cursors]) => [
        peer,
        positions(cursors),
      ]),
    ),
    stalls: new Map(
      Object.entries(changes.stalls ?? {}).map(([name, stall]) => [actor(name), stall]),
    ),
    worker: changes.worker ?? null,
    readAtMs: changes.readAtMs ?? 0,
  };
}

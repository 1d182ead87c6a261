import { OBSERVATION_VALID_MS } from "@/lib/db/regions/region-state";
import type { Overview } from "@/lib/db/regions/overview";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";

/** State of the stream of one origin into one region. */
export type ReplicationLag = {
  source: RegionId;
  target: RegionId;
} & (
  | {
      kind: "ok";
      /** From commit to application: of the newest batch while nothing is pending, else so far. */
      lagMs: number;
      /** Events not applied yet; counting stops at 10,000. */
      pendingWrites: number;
    }
  /** It stands still until someone does something about the reason. */
  | { kind: "stalled"; reason: string; detail: string; forMs: number; pendingWrites: number }
  /** The target's database, or its view of the source, is missing or too old to say anything. */
  | { kind: "unknown" }
);

/** What a region's overview says of its stream from `source`. Pure. */
export function lagOf(
  overview: Overview | null,
  source: RegionId,
  target: RegionId,
  overviewAgeMs: number,
): ReplicationLag {
  const peer = overview?.peers.get(source);
  if (!overview || !peer || peer.ageMs + overviewAgeMs > OBSERVATION_VALID_MS) {
    return { kind: "unknown", source, target };
  }
  const actor: Actor = peer.actor;
  const stall = overview.stalls.get(actor);
  if (stall) {
    return { kind: "stalled", source, target, ...stall, pendingWrites: peer.pending };
  }
  const cursor = overview.cursors.get(actor);
  if (!cursor || cursor.transitMs === null) return { kind: "unknown", source, target };
  const transitMs = Math.max(0, cursor.transitMs + peer.clockOffsetMs);
  const waitingMs =
    peer.pending > 0 && cursor.stalenessMs !== null ? cursor.stalenessMs + peer.clockOffsetMs : 0;
  return {
    kind: "ok",
    source,
    target,
    lagMs: Math.round(Math.max(transitMs, waitingMs) * 10) / 10,
    pendingWrites: peer.pending,
  };
}

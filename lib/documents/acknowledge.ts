import { entityPolicy } from "@/lib/db/conflicts/policies";
import type { Durability } from "@/lib/db/conflicts/policy";
import { awaitQuorum } from "@/lib/db/failover/durability";
import { geoReplication, type WriteEvent } from "@/lib/db/geo-replication";
import type { RegionId } from "@/lib/db/multi-region-config";
import { readYourWrites, type RouteReason } from "@/lib/db/read-your-writes";
import type { Actor, Written } from "./types";

/** Where a write was made and why there. */
export interface Route {
  regionId: RegionId;
  reason: Extract<RouteReason, "nearest" | "waited" | "redirected-behind" | "redirected-down">;
  /** Time spent waiting for the region to catch up, in ms. */
  waitedMs: number;
}

/**
 * Notes a committed write in the session, wakes replication, waits for a quorum where that is asked
 * for, and makes the receipt.
 *
 * @param durability of this write; by default its entity's
 */
export async function acknowledge<T>(
  actor: Actor,
  startedMs: number,
  route: Route,
  event: WriteEvent,
  value: T,
  durability: Durability = entityPolicy(event.entityType).durability,
): Promise<Written<T>> {
  const { vantage, token } = actor;
  const receipt = readYourWrites.writeReceipt(event, { vantage, startedMs });
  const [open] = await Promise.all([
    readYourWrites.recordWrite(actor.userId, event, { token, vantage }),
    geoReplication.publishWrite(event, vantage),
  ]);
  const written = { ...receipt, reason: route.reason, waitedMs: route.waitedMs };
  if (durability === "region") return { ok: true, value, receipt: written, open };
  const led = entityPolicy(event.entityType).topology === "single-leader";
  const quorum = await awaitQuorum(vantage, event, { led });
  return {
    ok: true,
    value,
    receipt: {
      ...written,
      elapsedMs: written.elapsedMs + quorum.waitedMs,
      quorum: quorum.kind === "held" ? "held" : "unconfirmed",
    },
    open,
  };
}

export function documentEvent(row: { id: string; origin: string; position: bigint }): WriteEvent {
  const { id, origin, position } = row;
  return { entityType: "Document", entityId: id, origin, position };
}

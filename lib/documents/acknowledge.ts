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

/** Notes a committed write in the session, wakes replication, and makes the receipt. */
export async function acknowledge<T>(
  actor: Actor,
  startedMs: number,
  route: Route,
  event: WriteEvent,
  value: T,
): Promise<Written<T>> {
  const { vantage, token } = actor;
  const receipt = readYourWrites.writeReceipt(event, { vantage, startedMs });
  const [open] = await Promise.all([
    readYourWrites.recordWrite(actor.userId, event, { token, vantage }),
    geoReplication.publishWrite(event, vantage),
  ]);
  return {
    ok: true,
    value,
    receipt: { ...receipt, reason: route.reason, waitedMs: route.waitedMs },
    open,
  };
}

export function documentEvent(row: { id: string; origin: string; position: bigint }): WriteEvent {
  const { id, origin, position } = row;
  return { entityType: "Document", entityId: id, origin, position };
}

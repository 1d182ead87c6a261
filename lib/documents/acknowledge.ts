import type { Durability } from "@/lib/db/conflicts/policy";
import { geoReplication, type WriteEvent } from "@/lib/db/geo-replication";
import type { RegionId } from "@/lib/db/multi-region-config";
import { readYourWrites, type RouteReason } from "@/lib/db/read-your-writes";
import { confirmWrite } from "@/lib/db/writes/confirm-write";
import type { Actor, Written } from "./types";

/** Where a write was made and why there. */
export interface Route {
  regionId: RegionId;
  reason: Extract<
    RouteReason,
    | "nearest"
    | "waited"
    | "redirected-behind"
    | "redirected-down"
    | "redirected-leader"
    | "redirected-rights"
    | "redirected-residency"
  >;
  /** Time spent waiting for the region to catch up, or for a leader, in ms. */
  waitedMs: number;
}

/**
 * Notes a committed write in the session, wakes replication, waits for as many regions to have it
 * as its entity asks for, and makes the receipt.
 *
 * @param durability of this write; by default its entity's
 */
export async function acknowledge<T>(
  actor: Actor,
  startedMs: number,
  route: Route,
  event: WriteEvent,
  value: T,
  durability?: Durability,
): Promise<Written<T>> {
  const { vantage, token } = actor;
  const receipt = readYourWrites.writeReceipt(event, { vantage, startedMs });
  const [open] = await Promise.all([
    readYourWrites.recordWrite(actor.userId, event, { token, vantage }),
    geoReplication.publishWrite(event, vantage),
  ]);
  const written = { ...receipt, reason: route.reason, waitedMs: route.waitedMs };
  const confirmation = await confirmWrite(vantage, event, { durability });
  if (confirmation.kind === "region") return { ok: true, value, receipt: written, open };
  const { kind, needed, regions, waitedMs } = confirmation;
  return {
    ok: true,
    value,
    receipt: {
      ...written,
      elapsedMs: written.elapsedMs + waitedMs,
      quorum: kind === "held" ? "held" : "unconfirmed",
      copies: { needed, regions },
    },
    open,
  };
}

export function documentEvent(row: { id: string; origin: string; position: bigint }): WriteEvent {
  const { id, origin, position } = row;
  return { entityType: "Document", entityId: id, origin, position };
}

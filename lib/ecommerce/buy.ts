import type { EntityType } from "@/lib/db/conflicts/entities";
import type { RegionId } from "@/lib/db/multi-region-config";
import { acknowledge, type Route } from "@/lib/documents/acknowledge";
import { refused, type Actor, type WriteOutcome } from "@/lib/documents/types";
import { globalInventory } from "./inventory";
import type { Reservation, RowStamp, SettleOutcome } from "./types";

const ENTITY: EntityType = "Reservation";

/** Reserves for a person: the session sees it from now on, wherever it reads. */
export async function reserve(
  actor: Actor,
  input: { productId: string; quantity: number; key: string },
): Promise<WriteOutcome<Reservation>> {
  const startedMs = performance.now();
  const { productId, quantity, key } = input;
  const outcome = await globalInventory.reserveInventory(
    productId,
    quantity,
    actor.userId,
    actor.vantage,
    { key },
  );
  switch (outcome.kind) {
    case "reserved": {
      const { reservation, stamp, reason } = outcome;
      if (reservation.status === "released" || reservation.status === "expired") {
        return refused(
          "conflict",
          `That reservation is over: ${reservation.status}. Reserve anew.`,
        );
      }
      const route: Route = { regionId: reservation.regionId, reason, waitedMs: 0 };
      return acknowledge(actor, startedMs, route, eventOf(stamp), reservation);
    }
    case "sold-out":
      return refused("conflict", "No region that can be reached has the right to sell so many.");
    case "unknown-product":
      return refused("not-found", "There is no such product.");
    case "unavailable":
      return refused(
        "unavailable",
        "No region answered. If one of them took it, it is given back by itself; trying again with this form finds it.",
      );
    default:
      return outcome satisfies never;
  }
}

/** Gives back what a person has reserved, in the region that holds it. It is sold by an order: see order.ts. */
export async function release(
  actor: Actor,
  input: { reservationId: string; regionId: RegionId },
): Promise<WriteOutcome<Reservation>> {
  const startedMs = performance.now();
  const { reservationId, regionId } = input;
  const { userId, vantage } = actor;
  const outcome = await globalInventory.releaseReservation(
    reservationId,
    userId,
    regionId,
    vantage,
  );
  if (outcome.kind !== "settled") return notSettled(outcome);
  const { reservation, stamp } = outcome;
  const reason = regionId === vantage ? "nearest" : "redirected-rights";
  const route: Route = { regionId, reason, waitedMs: 0 };
  return acknowledge(actor, startedMs, route, eventOf(stamp), reservation);
}

function notSettled(outcome: Exclude<SettleOutcome, { kind: "settled" }>) {
  return outcome.kind === "unknown-reservation"
    ? refused("not-found", "That region holds no such reservation of yours.")
    : refused(
        "unavailable",
        "Only the region that holds it can settle it, and it does not answer. Whether it has done so is not known: try again, it is done once.",
      );
}

function eventOf({ id, origin, position }: RowStamp) {
  return { entityType: ENTITY, entityId: id, origin, position };
}

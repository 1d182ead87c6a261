import type { EntityType } from "@/lib/db/conflicts/entities";
import type { Receipt } from "@/lib/db/read-your-writes";
import { readYourWrites } from "@/lib/db/read-your-writes";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Positions } from "@/lib/db/sessions/positions";
import { acknowledge, type Route } from "@/lib/documents/acknowledge";
import { refused, type Actor, type Refused } from "@/lib/documents/types";
import { orderDesk } from "./orders";
import type { Order, OrderRefusal, OrderStep, PlacedOrder } from "./order-types";
import type { RowStamp } from "./types";

export interface OrderPlaced {
  kind: "placed";
  /** An earlier attempt under the key had placed it. */
  repeated: boolean;
  order: Order;
  receipt: Receipt;
}

export interface OrderIndeterminate {
  kind: "indeterminate";
  /** To ask again with: that settles it. */
  key: string;
  step: OrderStep;
  message: string;
}

export type OrderResult =
  (OrderPlaced & { open: Positions }) | OrderIndeterminate | { kind: "refused"; refusal: Refused };

const REFUSED = {
  "key-reused": refused(
    "conflict",
    "This key names an order of another reservation. Nothing was written.",
  ),
  "unknown-reservation": refused("not-found", "That region holds no such reservation of yours."),
  "reservation-over": refused(
    "conflict",
    "The reservation is over: nothing was sold and nothing is owed. Reserve anew.",
  ),
  "reservation-ordered": refused(
    "conflict",
    "This reservation was ordered and paid for under another key. It is not paid for twice.",
  ),
} as const satisfies Record<OrderRefusal, Refused>;

export const STEP_MESSAGES = {
  order:
    "No answer says whether the order was recorded. It may be, now or once a region is back; nothing is owed for it yet.",
  reservation:
    "The order is recorded. Whether the region that holds the reservation has confirmed it is not known, and nothing is owed for it yet.",
  payment:
    "The goods are yours. Whether the payment is in the ledger is not known; it will be there once.",
} as const satisfies Record<OrderStep, string>;

/** Orders what a person has reserved: the session sees it from now on, wherever it reads. */
export async function placeOrder(
  actor: Actor,
  input: { key: string; reservationId: string; regionId: RegionId },
): Promise<OrderResult> {
  const startedMs = performance.now();
  const outcome = await orderDesk.place(actor.vantage, { userId: actor.userId, ...input });
  switch (outcome.kind) {
    case "placed":
    case "already-placed": {
      const { receipt, open } = await noted(actor, startedMs, outcome);
      const repeated = outcome.kind === "already-placed";
      return { kind: "placed", repeated, order: outcome.order, receipt, open };
    }
    case "refused":
      return { kind: "refused", refusal: REFUSED[outcome.reason] };
    case "unavailable":
      return {
        kind: "refused",
        refusal: refused(
          "unavailable",
          "A region that has to take part does not answer, or none leads. Nothing was written; try again shortly.",
        ),
      };
    case "indeterminate": {
      const { key, step } = outcome;
      return { kind: "indeterminate", key, step, message: STEP_MESSAGES[step] };
    }
    default:
      return outcome satisfies never;
  }
}

async function noted(
  actor: Actor,
  startedMs: number,
  { confirmed, place, order }: PlacedOrder,
): Promise<{ receipt: Receipt; open: Positions }> {
  const { userId, vantage, token } = actor;
  let known = actor;
  if (confirmed) {
    const write = eventOf("Reservation", confirmed);
    const positions = await readYourWrites.recordWrite(userId, write, { token, vantage });
    // Both writes are in the cookie, also where there is no mirror.
    known = { ...actor, token: { kind: "valid", positions } };
  }
  const { regionId, reason, waitedMs, confirmation, stamp } = place;
  const route: Route = { regionId, reason, waitedMs };
  const event = eventOf("LedgerTransfer", stamp);
  // A majority has it already: it is not asked again.
  const written = await acknowledge(known, startedMs, route, event, order, "region");
  if (confirmation.kind === "region") return written;
  const { needed, regions } = confirmation;
  return {
    open: written.open,
    receipt: { ...written.receipt, quorum: "held", copies: { needed, regions } },
  };
}

function eventOf(entityType: EntityType, { id, origin, position }: RowStamp) {
  return { entityType, entityId: id, origin, position };
}

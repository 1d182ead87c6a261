import type { RegionId } from "@/lib/db/multi-region-config";
import type { LedgerEntry, LedgerPlace, Transfer } from "./ledger-types";
import type { ReservationState, RowStamp } from "./types";

export interface Order {
  id: string;
  /** The buyer's own name for it. */
  key: string;
  userId: string;
  reservationId: string;
  /** That holds the reservation. */
  regionId: RegionId;
  productId: string;
  quantity: number;
  amountMinor: number;
  /** ISO 8601, UTC. */
  createdAt: string;
}

export const ORDER_REFUSALS = [
  /** The key names an order of another reservation. */
  "key-reused",
  /** That region holds no such reservation of the buyer's. */
  "unknown-reservation",
  /** It was given back, or has expired: nothing is sold and nothing paid. */
  "reservation-over",
  /** It was ordered, and paid for, under another key. */
  "reservation-ordered",
] as const;
export type OrderRefusal = (typeof ORDER_REFUSALS)[number];

/** The step of which it is not known whether it was taken. Those before it were. */
export const ORDER_STEPS = ["order", "reservation", "payment"] as const;
export type OrderStep = (typeof ORDER_STEPS)[number];

export interface PlacedOrder {
  order: Order;
  /** That pays for it. */
  transfer: Transfer;
  place: LedgerPlace;
  /** Of the reservation as it was confirmed; null where that was done before. */
  confirmed: RowStamp | null;
}

export type OrderOutcome =
  /** Sold and paid, and a majority of the regions has it. */
  | ({ kind: "placed" } & PlacedOrder)
  /** An earlier attempt under the key had placed it: the same receipt. */
  | ({ kind: "already-placed" } & PlacedOrder)
  /** It is not placed and will not be. */
  | { kind: "refused"; reason: OrderRefusal }
  /** Nothing was written. */
  | { kind: "unavailable"; detail: string }
  /** It may be placed, now or later, and is at most once. Asking again with the key settles it. */
  | { kind: "indeterminate"; step: OrderStep; key: string; detail: string };

export const ORDER_STATES = ["placed", "refused", "unsettled"] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/** An order as the leading region's ledger has it. */
export interface OrderView extends Order {
  /** What the ledger and the reservation say: no column of its own could say otherwise. */
  status: OrderState;
  /** Null where the product is not sold any more. */
  productName: string | null;
  reservationStatus: ReservationState | null;
  /** ISO 8601, UTC. */
  paidAt: string | null;
  /** Of the leader that vouches for the payment. */
  epoch: number | null;
  entries: LedgerEntry[];
}

import type { RegionId } from "@/lib/db/multi-region-config";
import type { RouteReason } from "@/lib/db/read-your-writes";

export const RESERVATION_STATES = ["held", "confirmed", "released", "expired"] as const;
export type ReservationState = (typeof RESERVATION_STATES)[number];

/** How long a reservation holds unless somebody confirms it, in seconds. */
export const HOLD_SECONDS = { standard: 600, min: 5, max: 3_600 } as const;

/** Units that one reservation may take. */
export const MAX_QUANTITY = 1_000;

export interface Reservation {
  id: string;
  /** The buyer's own name for it. */
  key: string;
  productId: string;
  quantity: number;
  userId: string;
  /** Whose stock it was taken from, and the only one that may settle it. */
  regionId: RegionId;
  status: ReservationState;
  /** ISO 8601, UTC. */
  createdAt: string;
  expiresAt: string;
}

/** A version of a row in the region that wrote it. */
export interface RowStamp {
  id: string;
  origin: string;
  position: bigint;
}

export type ReserveOutcome =
  | {
      kind: "reserved";
      reservation: Reservation;
      /** Why this region sold: it is the buyer's, or that one has not the right, or does not answer. */
      reason: Extract<RouteReason, "nearest" | "redirected-rights" | "redirected-down">;
      stamp: RowStamp;
    }
  /** No region that could be asked has the right to sell so many. */
  | { kind: "sold-out" }
  | { kind: "unknown-product" }
  /** No region answered. If one took it, it holds until it expires, or is found by its key. */
  | { kind: "unavailable"; detail: string };

export type SettleOutcome =
  /** `status` is what it is now: asked for again, or too late, it may be another than was asked for. */
  | { kind: "settled"; reservation: Reservation; stamp: RowStamp }
  | { kind: "unknown-reservation" }
  /** Only the region that holds it may settle it, and it did not answer: it may have done so. */
  | { kind: "unavailable"; regionId: RegionId; detail: string };

/** Units of a product as one region knows them, from one snapshot. */
export interface GlobalInventory {
  productId: string;
  name: string;
  /** Of one unit, in cents. */
  priceMinor: number;
  /** Free units: the sum of `byRegion`. */
  total: number;
  /** What each region may sell without asking any other. */
  byRegion: Readonly<Record<string, number>>;
  /** Held by reservations that are neither confirmed nor over. */
  reserved: number;
  /** Of confirmed reservations. */
  sold: number;
}

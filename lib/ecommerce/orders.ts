import { createHash } from "node:crypto";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { readFromLeader } from "@/lib/db/failover/leader-read";
import { isUnreachable, within } from "@/lib/db/regions/faults";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { placeWrite } from "@/lib/db/writes/place-write";
import { writeRow } from "@/lib/db/writes/write-row";
import { errorMessage } from "@/lib/errors";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { GlobalInventoryManager } from "./inventory";
import { Ledger, transferId } from "./ledger";
import { findTransfer } from "./ledger-statements";
import { buyerAccount, SALES_ACCOUNT } from "./ledger-types";
import {
  closeOrder,
  findHeld,
  findOrder,
  recordOrder,
  toOrder,
  type Held,
  type OrderInput,
  type StoredOrder,
} from "./order-statements";
import type { Order, OrderOutcome, OrderStep } from "./order-types";
import type { RowStamp } from "./types";

/** A region that takes longer to say what it holds counts as not answering. */
const ANSWER_MS = 2_500;

export interface PlaceOrder {
  userId: string;
  /** The buyer's own name for it. Asked for again under the same one, it is the same order. */
  key: string;
  reservationId: string;
  /** That holds it. */
  regionId: RegionId;
}

/** No buyer can take, or find out, another's. */
export function orderId(userId: string, key: string): string {
  return createHash("sha256")
    .update(JSON.stringify(["order", userId, key]))
    .digest("base64url");
}

/**
 * Orders of what is reserved, in three steps, each of which does nothing the second time:
 *
 * 1. The leading region records the order.
 * 2. The region that holds the reservation confirms it. Here it can be refused for good.
 * 3. The leading region posts the payment, which nothing refuses.
 *
 * A process that dies between two of them leaves an order that is open: a retry with its key, or the worker of the
 * leading region, goes on from there. Nothing has to be taken back. See docs/ORDERS.md.
 */
export class OrderDesk {
  private readonly ledger: Ledger;
  private readonly shop: GlobalInventoryManager;

  constructor(private readonly runtime: () => Runtime = defaultRuntime) {
    this.ledger = new Ledger(runtime);
    this.shop = new GlobalInventoryManager(runtime);
  }

  /** @param vantage from where the regions are reached */
  async place(vantage: RegionId, input: PlaceOrder): Promise<OrderOutcome> {
    const held = await this.look(vantage, input);
    if (held.kind === "unavailable") return this.withoutHolder(vantage, input, held.detail);
    if (held.kind === "unknown") return { kind: "refused", reason: "unknown-reservation" };
    const over = ["released", "expired"].includes(held.status);
    if (over || held.priceMinor === null) {
      return over ? this.comeToNothing(vantage, input) : unknownReservation();
    }
    const recorded = await this.record(vantage, input, { ...held, priceMinor: held.priceMinor });
    return recorded.kind === "recorded" ? this.goOn(vantage, recorded.order) : recorded;
  }

  /** The second and the third step of an order that is recorded. */
  async goOn(vantage: RegionId, stored: StoredOrder): Promise<OrderOutcome> {
    const order = toOrder(stored);
    const { reservationId, userId, regionId } = order;
    const settled = await this.shop.confirmReservation(reservationId, userId, regionId, vantage);
    switch (settled.kind) {
      case "unavailable":
        return unsettled(order, "reservation", settled.detail);
      case "unknown-reservation":
        return unknownReservation();
      case "settled":
        break;
      default:
        return settled satisfies never;
    }
    if (settled.reservation.status !== "confirmed") {
      await this.close(vantage, order.id);
      return { kind: "refused", reason: "reservation-over" };
    }
    if (settled.confirmation?.kind === "indeterminate") {
      return unsettled(order, "reservation", settled.confirmation.detail);
    }
    return this.pay(vantage, order, settled.stamp);
  }

  private async pay(
    vantage: RegionId,
    order: Order,
    confirmed: RowStamp | null,
  ): Promise<OrderOutcome> {
    const { userId, reservationId } = order;
    const paid = await this.ledger.post(vantage, {
      userId,
      key: paymentKey(reservationId),
      debitAccount: buyerAccount(userId),
      creditAccount: SALES_ACCOUNT,
      amountMinor: order.amountMinor,
      orderId: order.id,
    });
    switch (paid.kind) {
      case "unavailable":
      case "indeterminate":
        return unsettled(order, "payment", paid.detail);
      case "key-reused":
        // The payment of a reservation is one. It was another order's, or this one's at the price of then.
        return paid.transfer.orderId === order.id
          ? { kind: "already-placed", order, transfer: paid.transfer, place: paid.place, confirmed }
          : { kind: "refused", reason: "reservation-ordered" };
      case "posted": {
        const { transfer, place, repeated } = paid;
        const kind = repeated ? "already-placed" : "placed";
        return { kind, order, transfer, place, confirmed };
      }
      default:
        return paid satisfies never;
    }
  }

  private async look(
    vantage: RegionId,
    { reservationId, regionId, userId }: PlaceOrder,
  ): Promise<
    ({ kind: "held" } & Held) | { kind: "unknown" } | { kind: "unavailable"; detail: string }
  > {
    const db = new MultiRegionDb(this.runtime, vantage).getWriteClient(regionId);
    try {
      const held = await within(ANSWER_MS, findHeld(db, reservationId, userId));
      return held ? { kind: "held", ...held } : { kind: "unknown" };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      this.runtime().state.markDown(vantage, regionId);
      return { kind: "unavailable", detail: errorMessage(error) };
    }
  }

  private async record(
    vantage: RegionId,
    { userId, key, reservationId, regionId }: PlaceOrder,
    { productId, quantity, priceMinor }: Held & { priceMinor: number },
  ): Promise<
    | { kind: "recorded"; order: StoredOrder }
    | Extract<OrderOutcome, { kind: "refused" | "unavailable" | "indeterminate" }>
  > {
    const input: OrderInput = {
      id: orderId(userId, key),
      key,
      userId,
      reservationId,
      regionId,
      productId,
      quantity,
      amountMinor: BigInt(priceMinor) * BigInt(quantity),
      paymentId: transferId(userId, paymentKey(reservationId)),
    };
    const written = await writeRow("Order", vantage, (db) => recordOrder(db, input), {
      runtime: this.runtime,
    });
    if (written.kind === "refused") return { kind: "unavailable", detail: written.detail };
    const unknown = { kind: "indeterminate", step: "order", key } as const;
    if (written.kind === "indeterminate") return { ...unknown, detail: written.detail };
    const { value, confirmation } = written;
    if (confirmation.kind === "indeterminate") return { ...unknown, detail: confirmation.detail };
    // What it says of price and product is what it was recorded with.
    return value.reservationId === reservationId
      ? { kind: "recorded", order: value }
      : { kind: "refused", reason: "key-reused" };
  }

  /** Whether there is such an order, the leader can tell: one that is placed stays so without its reservation's region. */
  private async withoutHolder(
    vantage: RegionId,
    { userId, key }: PlaceOrder,
    detail: string,
  ): Promise<OrderOutcome> {
    const found = await this.findOwn(vantage, userId, key);
    if (found === null) return { kind: "unavailable", detail };
    if (found === "unknown") return { kind: "indeterminate", step: "order", key, detail };
    const order = toOrder(found.order);
    return found.paid ? this.pay(vantage, order, null) : unsettled(order, "reservation", detail);
  }

  /** Of a reservation that is over. Under this key another one may have been ordered. */
  private async comeToNothing(vantage: RegionId, input: PlaceOrder): Promise<OrderOutcome> {
    const found = await this.findOwn(vantage, input.userId, input.key);
    if (found !== null && found !== "unknown") {
      if (found.order.reservationId !== input.reservationId) {
        return { kind: "refused", reason: "key-reused" };
      }
      await this.close(vantage, found.order.id);
    }
    return { kind: "refused", reason: "reservation-over" };
  }

  private async findOwn(
    vantage: RegionId,
    userId: string,
    key: string,
  ): Promise<{ order: StoredOrder; paid: boolean } | null | "unknown"> {
    const find = async (db: PrismaClient) => {
      const order = await findOrder(db, orderId(userId, key));
      const payment = order && (await findTransfer(db, order.paymentId));
      return order && { order, paid: payment !== null };
    };
    try {
      const { data, epoch } = await readFromLeader(this.runtime(), vantage, find, ANSWER_MS);
      return data ?? (epoch === null ? "unknown" : null);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      return "unknown";
    }
  }

  /** Only a hint for the sweep: should it be lost, that looks once more. */
  private async close(vantage: RegionId, id: string): Promise<void> {
    await placeWrite("Order", vantage, (db) => closeOrder(db, id), {
      runtime: this.runtime,
      waitMs: 0,
    });
  }
}

export const orderDesk = new OrderDesk();

/** Of the buyer's own keys none begins so: those name orders, not transfers. */
function paymentKey(reservationId: string): string {
  return `reservation:${reservationId}`;
}

function unsettled({ key }: Order, step: OrderStep, detail: string): OrderOutcome {
  return { kind: "indeterminate", step, key, detail };
}

function unknownReservation(): OrderOutcome {
  return { kind: "refused", reason: "unknown-reservation" };
}

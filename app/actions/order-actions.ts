"use server";

import type { Refused } from "@/lib/documents/types";
import { check } from "@/lib/documents/validation";
import { placeOrder, type OrderIndeterminate, type OrderPlaced } from "@/lib/ecommerce/order";
import { orderInput } from "@/lib/ecommerce/validation";
import type { OrderFormState } from "@/components/orders/order-form-state";
import { currentActor } from "@/app/actor";
import { keepToken } from "@/lib/request-context";
import { text } from "./form-text";

/*
 * Ordering. Arguments are untrusted: an action is an endpoint. Who orders is read from the session.
 */

type Ordered = OrderPlaced | OrderIndeterminate | { kind: "refused"; refusal: Refused };

/**
 * Orders what the caller has reserved, once under its key: asked again, it is settled and not made twice.
 *
 * @param regionId that holds the reservation
 */
export async function orderReservation(
  reservationId: string,
  regionId: string,
  key: string,
): Promise<Ordered> {
  const actor = await currentActor();
  if ("ok" in actor) return { kind: "refused", refusal: actor };
  const input = check(orderInput, { reservationId, regionId, key });
  if (!input.ok) return { kind: "refused", refusal: input };
  const result = await placeOrder(actor, input.value);
  if (result.kind !== "placed") return result;
  const { open, ...placed } = result;
  await keepToken(open, actor.user);
  return placed;
}

/** The form's side: form data in, what the form shows next out. */
export async function orderForm(_: OrderFormState, form: FormData): Promise<OrderFormState> {
  const reservationId = text(form, "reservationId");
  // One reservation is one order: a form without JavaScript, sent again, settles it too.
  const key = text(form, "key") || reservationId;
  const result = await orderReservation(reservationId, text(form, "regionId"), key);
  switch (result.kind) {
    case "placed":
      return { status: "placed", repeated: result.repeated, receipt: result.receipt };
    case "indeterminate":
      return { status: "indeterminate", step: result.step, message: result.message };
    case "refused":
      return { status: "refused", code: result.refusal.code, message: result.refusal.message };
    default:
      return result satisfies never;
  }
}

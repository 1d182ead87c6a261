"use server";

import { randomUUID } from "node:crypto";
import type { Receipt } from "@/lib/db/read-your-writes";
import type { Actor, Refused, WriteOutcome } from "@/lib/documents/types";
import { check, type Checked } from "@/lib/documents/validation";
import { release, reserve } from "@/lib/ecommerce/buy";
import { runFlashSale } from "@/lib/ecommerce/flash-sale";
import type { FlashSaleResult } from "@/lib/ecommerce/flash-sale-shape";
import type { Reservation } from "@/lib/ecommerce/types";
import { releaseInput, reserveInput, saleInput } from "@/lib/ecommerce/validation";
import type { FormState } from "@/components/documents/form-state";
import { act, currentActor } from "@/app/actor";
import { text } from "./form-text";

/*
 * Buying. Arguments are untrusted: an action is an endpoint. Who buys is read from the session.
 */

type Bought = { ok: true; reservation: Reservation; receipt: Receipt } | Refused;

/**
 * Reserves in the nearest region, or where the right to sell so many is.
 *
 * @param key the buyer's own name for it: sent again, it is the same reservation
 */
export async function reserveProduct(
  productId: string,
  quantity: number,
  key: string,
): Promise<Bought> {
  return acted(check(reserveInput, { productId, quantity, key }), reserve);
}

/** Gives back what the caller has reserved. Done once, however often it is asked for. */
export async function releaseReservation(reservationId: string, regionId: string): Promise<Bought> {
  return acted(check(releaseInput, { reservationId, regionId }), release);
}

export async function startFlashSale(
  productId: string,
): Promise<{ ok: true; result: FlashSaleResult } | Refused> {
  const actor = await currentActor();
  if ("ok" in actor) return actor;
  const input = check(saleInput, { productId });
  if (!input.ok) return input;
  return { ok: true, result: await runFlashSale(input.value.productId) };
}

/* The forms' side: form data in, what the form shows next out. */

export async function reserveForm(_: FormState, form: FormData): Promise<FormState> {
  const quantity = text(form, "quantity");
  const result = await reserveProduct(
    text(form, "productId"),
    // An empty field is no zero.
    quantity === "" ? Number.NaN : Number(quantity),
    // Without JavaScript the form has none.
    text(form, "key") || randomUUID(),
  );
  const { quantity: units = 0 } = result.ok ? result.reservation : {};
  return toState(result, form, `Reserved ${units}.`);
}

export async function releaseForm(_: FormState, form: FormData): Promise<FormState> {
  const result = await releaseReservation(text(form, "reservationId"), text(form, "regionId"));
  if (!result.ok || result.reservation.status === "released") {
    return toState(result, form, "Given back.");
  }
  return toState(result, form, `It was ${result.reservation.status} already.`);
}

async function acted<I>(
  input: Checked<I>,
  operation: (actor: Actor, input: I) => Promise<WriteOutcome<Reservation>>,
): Promise<Bought> {
  const done = await act(input, operation);
  return done.ok ? { ok: true, reservation: done.value, receipt: done.receipt } : done;
}

function toState(result: Bought, form: FormData, message: string): FormState {
  if (result.ok) return { status: "done", message, receipt: result.receipt };
  const { code, message: why, fields = {} } = result;
  return {
    status: "refused",
    code,
    message: why,
    fields,
    values: { quantity: text(form, "quantity") },
  };
}

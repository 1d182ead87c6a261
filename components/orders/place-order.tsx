"use client";

import Link from "next/link";
import { useActionState, useEffect } from "react";
import { orderForm } from "@/app/actions/order-actions";
import { SubmitButton } from "@/components/ui/submit-button";
import { NOT_ORDERED } from "./order-form-state";
import { OrderOutcome } from "./order-outcome";

/** Orders a reservation, or settles its order by the same key. */
export function PlaceOrder({
  reservationId,
  regionId,
  orderKey,
  label,
  what,
  settled = false,
  onChange,
}: {
  reservationId: string;
  regionId: string;
  /** Of the order that is there; a new one has its reservation's id, so that a reservation is one order. */
  orderKey?: string;
  label: string;
  /** For those who hear the button's name alone. */
  what: string;
  /** It is sold: only what came of it is shown, and a way to its receipt. */
  settled?: boolean;
  onChange: () => void;
}) {
  const [state, action] = useActionState(orderForm, NOT_ORDERED);
  useEffect(() => {
    // An indeterminate one may be there by now.
    if (state.status !== "idle") onChange();
  }, [state, onChange]);
  return (
    <>
      {settled && state.status !== "indeterminate" ? (
        <Link href="/orders" className="rounded-sm underline underline-offset-2">
          Receipt
        </Link>
      ) : (
        <form action={action}>
          <input type="hidden" name="reservationId" value={reservationId} />
          <input type="hidden" name="regionId" value={regionId} />
          <input type="hidden" name="key" value={orderKey ?? reservationId} />
          <SubmitButton variant="plain" pendingLabel="Asking" aria-label={`${label} ${what}`}>
            {state.status === "indeterminate" ? "Try again" : label}
          </SubmitButton>
        </form>
      )}
      {state.status === "idle" ? null : (
        <div className="basis-full">
          <OrderOutcome state={state} />
        </div>
      )}
    </>
  );
}

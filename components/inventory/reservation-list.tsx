"use client";

import { useActionState, useEffect } from "react";
import { releaseForm } from "@/app/actions/inventory-actions";
import { IDLE } from "@/components/documents/form-state";
import { PlaceOrder } from "@/components/orders/place-order";
import { RegionLabel } from "@/components/multi-region/region-names";
import { Notice } from "@/components/ui/notice";
import { SubmitButton } from "@/components/ui/submit-button";
import { Time } from "@/components/ui/time";
import type { Reservation, ReservationState } from "@/lib/ecommerce/types";

const LABELS = {
  held: "held",
  confirmed: "bought",
  released: "given back",
  expired: "expired, given back",
} as const satisfies Record<ReservationState, string>;

export function ReservationList({
  reservations,
  names,
  onChange,
}: {
  reservations: readonly Reservation[];
  names: ReadonlyMap<string, string>;
  onChange: () => void;
}) {
  if (reservations.length === 0) {
    return <p className="text-sm text-muted">You have reserved nothing yet.</p>;
  }
  return (
    <ul className="divide-y divide-line rounded-lg border border-line bg-surface text-sm">
      {reservations.map((reservation) => (
        <Row
          key={reservation.id}
          reservation={reservation}
          name={names.get(reservation.productId) ?? "A product that is no longer sold"}
          onChange={onChange}
        />
      ))}
    </ul>
  );
}

function Row({
  reservation: { id, quantity, regionId, status, createdAt, expiresAt },
  name,
  onChange,
}: {
  reservation: Reservation;
  name: string;
  onChange: () => void;
}) {
  const [state, action] = useActionState(releaseForm, IDLE);
  useEffect(() => {
    if (state.status === "done") onChange();
  }, [state, onChange]);
  return (
    <li data-reservation={status} className="space-y-2 px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-56">
          <p className="break-words">
            {quantity} × {name}: {LABELS[status]}
          </p>
          <p className="flex flex-wrap gap-x-3 text-xs text-muted">
            <span>
              from <RegionLabel regionId={regionId} />
            </span>
            {status === "held" ? (
              <span>
                until <Time value={expiresAt} />
              </span>
            ) : (
              <Time value={createdAt} />
            )}
          </p>
        </div>
        {status === "held" ? (
          <form action={action}>
            <input type="hidden" name="reservationId" value={id} />
            <input type="hidden" name="regionId" value={regionId} />
            <SubmitButton variant="quiet" aria-label={`Give back ${quantity} × ${name}`}>
              Give back
            </SubmitButton>
          </form>
        ) : null}
        {status === "held" || status === "confirmed" ? (
          <PlaceOrder
            reservationId={id}
            regionId={regionId}
            label="Order"
            what={`${quantity} × ${name}`}
            settled={status === "confirmed"}
            onChange={onChange}
          />
        ) : null}
      </div>
      {state.status === "refused" ? (
        <Notice tone="warn" live>
          {state.message}
        </Notice>
      ) : null}
    </li>
  );
}

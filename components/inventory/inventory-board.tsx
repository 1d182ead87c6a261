"use client";

import { useCallback } from "react";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { polledState, usePolled } from "@/components/multi-region/use-polled";
import { Notice } from "@/components/ui/notice";
import type { Receipt } from "@/lib/db/read-your-writes";
import type { GlobalInventory, Reservation } from "@/lib/ecommerce/types";
import { ProductCard } from "./product-card";
import { ReservationList } from "./reservation-list";

const POLL_MS = 1_500;

export interface InventoryAnswer {
  products: GlobalInventory[];
  reservations: Reservation[];
  receipt: Receipt;
}

/** Stock, rights and reservations, kept up to date. */
export function InventoryBoard({ initial }: { initial: InventoryAnswer }) {
  const polled = usePolled<InventoryAnswer>("/api/inventory", () => POLL_MS, { initial });
  const { products, reservations, receipt } = polled.data ?? initial;
  const { mutate } = polled;
  const refresh = useCallback(() => void mutate(), [mutate]);
  const names = new Map(products.map(({ productId, name }) => [productId, name]));
  return (
    <div className="space-y-8">
      <div className="space-y-3">
        <ReceiptBadge receipt={receipt} />
        {polledState(polled) === "stale" ? (
          <Notice tone="warn" live title="These figures are out of date.">
            {polled.error?.message} They are asked for again.
          </Notice>
        ) : null}
      </div>
      {products.length === 0 ? (
        <p className="text-sm text-muted">
          Nothing is for sale. On a local planet <code>npm run db:seed</code> brings some products.
        </p>
      ) : (
        <ul className="grid gap-4 lg:grid-cols-2">
          {products.map((product) => (
            <ProductCard key={product.productId} product={product} onChange={refresh} />
          ))}
        </ul>
      )}
      <section aria-labelledby="reservations" className="space-y-3">
        <h2 id="reservations" className="text-lg font-semibold">
          Your reservations
        </h2>
        <ReservationList reservations={reservations} names={names} onChange={refresh} />
      </section>
    </div>
  );
}

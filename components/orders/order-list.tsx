"use client";

import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { LedgerEntry } from "@/lib/ecommerce/ledger-types";
import type { OrderState, OrderView } from "@/lib/ecommerce/order-types";
import { money } from "./money";
import { PlaceOrder } from "./place-order";

const STATES = {
  placed: { label: "placed", className: "text-ok" },
  refused: { label: "refused: nothing is owed", className: "text-muted" },
  unsettled: { label: "indeterminate", className: "text-warn" },
} as const satisfies Record<OrderState, { label: string; className: string }>;

export function OrderList({
  orders,
  onChange,
}: {
  orders: readonly OrderView[];
  onChange: () => void;
}) {
  return (
    <ul className="space-y-4">
      {orders.map((order) => (
        <OrderRow key={order.id} order={order} onChange={onChange} />
      ))}
    </ul>
  );
}

function OrderRow({ order, onChange }: { order: OrderView; onChange: () => void }) {
  const { status, quantity, productName, amountMinor, regionId, createdAt, entries, epoch } = order;
  const what = `${quantity} × ${productName ?? "A product that is no longer sold"}`;
  const { label, className } = STATES[status];
  return (
    <li
      data-order={status}
      className="space-y-3 rounded-lg border border-line bg-surface p-4 text-sm"
    >
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-56">
          <p className="break-words">
            {what}, {money(amountMinor)}:{" "}
            <span className={`font-medium ${className}`}>{label}</span>
          </p>
          <p className="flex flex-wrap gap-x-3 text-xs text-muted">
            <span>
              sold by <RegionLabel regionId={regionId} />
            </span>
            <Time value={createdAt} />
            {epoch === null ? null : <span>vouched for by the leader of epoch {epoch}</span>}
          </p>
        </div>
        {status === "unsettled" ? (
          <PlaceOrder
            reservationId={order.reservationId}
            regionId={regionId}
            orderKey={order.key}
            label="Settle"
            what={what}
            onChange={onChange}
          />
        ) : null}
      </div>
      {entries.length > 0 ? <Entries entries={entries} what={what} /> : null}
    </li>
  );
}

function Entries({ entries, what }: { entries: readonly LedgerEntry[]; what: string }) {
  return (
    <details>
      <summary className="cursor-pointer rounded-sm text-xs text-muted">Ledger entries</summary>
      <div className="mt-2 overflow-x-auto">
        <table className="w-full text-xs tabular-nums">
          <caption className="sr-only">Ledger entries of {what}</caption>
          <thead>
            <tr className="border-b border-line text-right text-muted">
              <th scope="col" className="py-1 text-left font-normal">
                Account
              </th>
              <th scope="col" className="py-1 pl-3 font-normal">
                Debit
              </th>
              <th scope="col" className="py-1 pl-3 font-normal">
                Credit
              </th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {entries.map(({ id, account, side, amountMinor }) => (
              <tr key={id} className="text-right">
                <th scope="row" className="py-1 text-left font-normal">
                  {account.startsWith("buyer:") ? "yours" : account}
                </th>
                <td className="py-1 pl-3">{side === "debit" ? money(amountMinor) : ""}</td>
                <td className="py-1 pl-3">{side === "credit" ? money(-amountMinor) : ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

"use client";

import Link from "next/link";
import { useCallback } from "react";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { polledState, usePolled } from "@/components/multi-region/use-polled";
import { Notice } from "@/components/ui/notice";
import type { Receipt } from "@/lib/db/read-your-writes";
import type { AccountBalance } from "@/lib/ecommerce/ledger-types";
import type { OrderView } from "@/lib/ecommerce/order-types";
import { money } from "./money";
import { OrderList } from "./order-list";
import { WhatIndeterminateMeans } from "./what-indeterminate-means";

const POLL_MS = 3_000;

export interface OrdersAnswer {
  orders: OrderView[];
  account: AccountBalance;
  receipt: Receipt;
}

/** Orders with their receipts and the balance of the buyer's account, kept up to date. */
export function OrderBoard({ initial }: { initial: OrdersAnswer }) {
  const polled = usePolled<OrdersAnswer>("/api/orders", () => POLL_MS, { initial });
  const { orders, account, receipt } = polled.data ?? initial;
  const { mutate } = polled;
  const refresh = useCallback(() => void mutate(), [mutate]);
  return (
    <div className="space-y-8">
      <div className="space-y-3">
        <ReceiptBadge receipt={receipt} />
        {polledState(polled) === "stale" ? (
          <Notice tone="warn" live title="These figures are out of date.">
            {polled.error?.message} They are asked for again.
          </Notice>
        ) : null}
        {receipt.stale ? (
          <Notice tone="warn" live title="No region could show that it leads.">
            What is shown may be older than what was acknowledged.
          </Notice>
        ) : null}
      </div>
      <section aria-labelledby="account" className="space-y-2">
        <h2 id="account" className="text-lg font-semibold">
          Your account
        </h2>
        <dl className="flex flex-wrap gap-x-8 gap-y-2 text-sm">
          {[
            ["Owed", account.balanceMinor],
            ["Debits", account.debitsMinor],
            ["Credits", account.creditsMinor],
          ].map(([label, minor]) => (
            <div key={label}>
              <dt className="text-muted">{label}</dt>
              <dd className="text-xl font-semibold tabular-nums">{money(Number(minor))}</dd>
            </div>
          ))}
        </dl>
      </section>
      <section aria-labelledby="orders" className="space-y-3">
        <h2 id="orders" className="text-lg font-semibold">
          Your orders
        </h2>
        {orders.length === 0 ? (
          <p className="text-sm text-muted">
            You have ordered nothing yet. Reserve something in the{" "}
            <Link href="/inventory" className="underline underline-offset-2">
              inventory
            </Link>{" "}
            and order it there.
          </p>
        ) : (
          <OrderList orders={orders} onChange={refresh} />
        )}
      </section>
      <WhatIndeterminateMeans
        unsettled={orders.filter(({ status }) => status === "unsettled").length}
      />
    </div>
  );
}

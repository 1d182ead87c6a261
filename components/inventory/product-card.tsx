"use client";

import { useActionState, useEffect, useId, useState } from "react";
import { reserveForm } from "@/app/actions/inventory-actions";
import { fieldError, IDLE, typed } from "@/components/documents/form-state";
import { WriteDone } from "@/components/documents/write-done";
import { money } from "@/components/orders/money";
import { RegionLabel } from "@/components/multi-region/region-names";
import { TextField } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { SubmitButton } from "@/components/ui/submit-button";
import type { GlobalInventory } from "@/lib/ecommerce/types";
import { FlashSale } from "./flash-sale";
import { RightsBar } from "./rights-bar";

const count = new Intl.NumberFormat("en");

export function ProductCard({
  product,
  onChange,
}: {
  product: GlobalInventory;
  onChange: () => void;
}) {
  const { productId, name, priceMinor, total, byRegion, reserved, sold } = product;
  const title = useId();
  return (
    <li
      aria-labelledby={title}
      data-product={productId}
      className="space-y-5 rounded-lg border border-line bg-surface p-4 sm:p-5"
    >
      <div className="space-y-3">
        <h2 id={title} className="text-lg font-semibold break-words">
          {name}
        </h2>
        <p className="text-sm text-muted">{money(priceMinor)} each</p>
        <dl className="grid grid-cols-3 gap-3 text-sm">
          {[
            ["Free", total],
            ["Reserved", reserved],
            ["Sold", sold],
          ].map(([label, units]) => (
            <div key={label}>
              <dt className="text-muted">{label}</dt>
              <dd className="text-xl font-semibold tabular-nums">{count.format(Number(units))}</dd>
            </div>
          ))}
        </dl>
      </div>
      <div className="space-y-2">
        <RightsBar byRegion={byRegion} />
        <table className="w-full text-sm">
          <caption className="pb-1 text-left text-muted">
            Right to sell, without asking another region
          </caption>
          <tbody className="divide-y divide-line">
            {Object.entries(byRegion).map(([regionId, rights]) => (
              <tr key={regionId} data-rights={regionId}>
                <th scope="row" className="py-1 text-left font-normal">
                  <RegionLabel regionId={regionId} />
                </th>
                <td className="py-1 text-right tabular-nums">{count.format(rights)} units</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Reserve productId={productId} onChange={onChange} />
      <FlashSale productId={productId} onChange={onChange} />
    </li>
  );
}

function Reserve({ productId, onChange }: { productId: string; onChange: () => void }) {
  const [state, action] = useActionState(reserveForm, IDLE);
  const [key, setKey] = useState("");
  // Chosen before it is sent, and kept while it is not known whether it was done: sent twice it is one.
  useEffect(() => {
    const unknown = state.status === "refused" && state.code === "unavailable";
    if (!unknown) setKey(crypto.randomUUID());
    if (state.status === "done") onChange();
  }, [state, onChange]);
  const complaint = fieldError(state, "quantity");
  return (
    <form action={action} noValidate className="space-y-3">
      <input type="hidden" name="productId" value={productId} />
      <input type="hidden" name="key" value={key} />
      <div className="flex items-end gap-2">
        <TextField
          label="Units"
          name="quantity"
          type="number"
          min={1}
          inputMode="numeric"
          defaultValue={typed(state, "quantity") ?? "1"}
          error={complaint}
          className="w-32"
        />
        <SubmitButton pendingLabel="Reserving" className="h-10">
          Reserve
        </SubmitButton>
      </div>
      {state.status === "refused" && complaint === undefined ? (
        <Notice tone="warn" live>
          {state.message}
        </Notice>
      ) : null}
      <WriteDone state={state} />
    </form>
  );
}

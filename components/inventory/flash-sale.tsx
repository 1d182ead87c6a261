"use client";

import { useState } from "react";
import { startFlashSale } from "@/app/actions/inventory-actions";
import { RegionLabel } from "@/components/multi-region/region-names";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { FLASH_SALE, type FlashSaleResult } from "@/lib/ecommerce/flash-sale-shape";

/** A crowd in every region at once, and what each region could sell it. */
export function FlashSale({ productId, onChange }: { productId: string; onChange: () => void }) {
  const [running, setRunning] = useState(false);
  const [result, setResult] = useState<FlashSaleResult | null>(null);
  const [complaint, setComplaint] = useState<string | null>(null);

  async function start() {
    if (running) return;
    setRunning(true);
    setComplaint(null);
    try {
      const answer = await startFlashSale(productId);
      if (answer.ok) setResult(answer.result);
      else setComplaint(answer.message);
    } catch {
      setComplaint("No answer came. What was reserved is given back by itself.");
    }
    setRunning(false);
    onChange();
  }

  return (
    <div className="space-y-3 border-t border-line pt-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Button
          variant="plain"
          onClick={() => void start()}
          aria-disabled={running || undefined}
          aria-describedby={`${productId}-sale`}
        >
          {running ? "Selling" : "Flash sale"}
        </Button>
        <p id={`${productId}-sale`} className="min-w-0 flex-1 basis-48 text-xs text-muted">
          {FLASH_SALE.buyersPerRegion} buyers of each region reserve one unit, all at once. It is
          given back after {FLASH_SALE.holdSeconds} s.
        </p>
      </div>
      {complaint ? (
        <Notice tone="bad" live>
          {complaint}
        </Notice>
      ) : null}
      <div role="status">{result ? <Result result={result} /> : null}</div>
    </div>
  );
}

function Result({ result: { regions, elapsedMs } }: { result: FlashSaleResult }) {
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-sm">
        <caption className="pb-1 text-left text-muted">Done in {elapsedMs} ms</caption>
        <thead>
          <tr className="border-b border-line text-right text-xs text-muted">
            <th scope="col" className="py-1 text-left font-normal">
              Buyers of
            </th>
            <th scope="col" className="py-1 pl-3 font-normal">
              sold here
            </th>
            <th scope="col" className="py-1 pl-3 font-normal">
              by another region
            </th>
            <th scope="col" className="py-1 pl-3 font-normal">
              came too late
            </th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {regions.map(({ regionId, local, elsewhere, soldOut, unavailable }) => (
            <tr key={regionId} data-sales={regionId} className="text-right tabular-nums">
              <th scope="row" className="py-1 text-left font-normal">
                <RegionLabel regionId={regionId} />
              </th>
              <td className="py-1 pl-3">{local}</td>
              <td className="py-1 pl-3">{elsewhere}</td>
              <td className="py-1 pl-3">
                {soldOut}
                {unavailable > 0 ? ` and ${unavailable} without an answer` : ""}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

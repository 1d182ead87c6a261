"use client";

import { ChevronDown } from "lucide-react";
import { cn } from "@/components/ui/class-names";
import type { Receipt } from "@/lib/db/read-your-writes";
import { ReceiptPicture } from "./receipt-picture-view";
import { describeReceipt, formatMs } from "./receipt-text";
import { RegionDot, RegionLabel, useRegionName } from "./region-names";

const STATE_TONES = {
  plain: "text-muted",
  notable: "bg-warn-tint text-warn",
  bad: "bg-bad-tint text-bad",
} as const;

/** Which region answered, how fast and why; opened, what was required and what was there. */
export function ReceiptBadge({ receipt, className }: { receipt: Receipt; className?: string }) {
  const name = useRegionName();
  const text = describeReceipt(receipt, (id) => name(id).city);
  const region = name(receipt.regionId);
  const actors = [...new Set([...Object.keys(receipt.required), ...Object.keys(receipt.applied)])];
  return (
    <details
      className={cn(
        "group relative inline-block max-w-full text-[0.8125rem] max-sm:static",
        className,
      )}
      data-receipt={receipt.kind}
      data-region={receipt.regionId}
      data-reason={receipt.reason}
    >
      <summary className="flex max-w-full cursor-pointer list-none items-stretch overflow-hidden rounded-md border border-line-strong bg-surface leading-7 hover:border-faint">
        <span className="sr-only">
          {receipt.kind === "read" ? "Read receipt: answered by " : "Write receipt: written in "}
        </span>
        <span className="flex shrink-0 items-center gap-1.5 px-2.5 font-medium">
          <RegionDot regionId={receipt.regionId} />
          {region.city}
        </span>
        <span className="figures shrink-0 border-l border-line px-2.5 text-muted">
          {formatMs(receipt.elapsedMs)}
        </span>
        <span className={cn("truncate border-l border-line px-2.5", STATE_TONES[text.tone])}>
          {text.short}
        </span>
        <ChevronDown
          aria-hidden
          className="mr-1.5 ml-0.5 size-3.5 shrink-0 self-center text-faint transition-transform group-open:rotate-180"
        />
      </summary>
      <div className="absolute left-0 z-20 mt-1.5 w-[min(25rem,calc(100vw-2rem))] space-y-3 max-sm:inset-x-4 max-sm:w-auto rounded-lg border border-line bg-surface p-4 shadow-raised">
        <p>{text.long}</p>
        <ReceiptPicture receipt={receipt} name={name} />
        <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 [&_dt]:text-muted">
          <dt>Asked from</dt>
          <dd>
            <RegionLabel regionId={receipt.vantage} />
          </dd>
          <dt>{receipt.kind === "read" ? "Answered by" : "Written in"}</dt>
          <dd>
            <RegionLabel regionId={receipt.regionId} />
          </dd>
          <dt>Took</dt>
          <dd className="figures">
            {formatMs(receipt.elapsedMs)}
            {receipt.waitedMs > 0
              ? `, ${formatMs(receipt.waitedMs)} of it to find a fresh region`
              : ""}
          </dd>
          <dt>Level</dt>
          <dd>{receipt.level}</dd>
          {receipt.fromCache ? (
            <>
              <dt>Kept by</dt>
              <dd>the region’s Redis, since it was read a moment ago</dd>
            </>
          ) : null}
          <dt>Leader</dt>
          <dd>
            {name(receipt.leader).city}, epoch {receipt.epoch}
          </dd>
        </dl>
        {receipt.sessionComplete ? null : (
          <p className="text-warn">
            Redis is away: what this account wrote or saw on other devices was not required.
          </p>
        )}
        {actors.length > 0 ? (
          <Positions receipt={receipt} actors={actors} />
        ) : (
          <p className="border-t border-line pt-3 text-muted">
            This session has no write on the way, so nothing had to be checked.
          </p>
        )}
      </div>
    </details>
  );
}

/** Positions are 64-bit transaction ids of their origin: compared as integers, never as numbers. */
function Positions({ receipt, actors }: { receipt: Receipt; actors: string[] }) {
  const isWrite = receipt.kind === "write";
  return (
    <table className="w-full border-t border-line text-left [&_td]:py-1 [&_th]:pt-3 [&_th]:pb-1 [&_th]:font-normal [&_th]:text-muted">
      <thead>
        <tr>
          <th scope="col">Writes of</th>
          {isWrite ? null : (
            <th scope="col" className="text-right">
              required
            </th>
          )}
          <th scope="col" className="text-right">
            {isWrite ? "position" : "applied"}
          </th>
        </tr>
      </thead>
      <tbody>
        {actors.map((actor) => {
          const required = receipt.required[actor];
          const applied = receipt.applied[actor];
          const missing = isMissing(required, applied);
          return (
            <tr key={actor}>
              <td>
                <RegionLabel regionId={actor} />
              </td>
              {isWrite ? null : <td className="figures text-right">{required ?? "none"}</td>}
              <td className={cn("figures text-right", missing && "text-bad")}>
                {applied ?? "none"}
                {missing ? <span className="font-sans"> (behind)</span> : null}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function isMissing(required: string | undefined, applied: string | undefined): boolean {
  if (required === undefined) return false;
  if (applied === undefined) return true;
  try {
    return BigInt(applied) < BigInt(required);
  } catch {
    return true;
  }
}

"use client";

import type { ReactNode } from "react";
import { cn } from "@/components/ui/class-names";
import { RegionDot } from "@/components/multi-region/region-names";
import { useRegionStatus } from "@/components/multi-region/use-region-status";
import { conditionOf, type RegionStatus } from "@/lib/region-status-shape";

/** A page that strangers leave open should cost next to nothing. */
const POLL_MS = 10_000;

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "UTC" });

/** The map, and under it how its regions are at this moment. */
export function LiveRegions({
  initial,
  children,
}: {
  initial: RegionStatus[];
  children: ReactNode;
}) {
  const { data, error } = useRegionStatus({ pollMs: POLL_MS });
  const regions = data?.regions ?? initial;
  return (
    <div>
      {children}
      <ul
        aria-label="Regions"
        data-stale={error ? "" : undefined}
        className="mt-3 grid gap-x-4 gap-y-1.5 text-sm data-stale:opacity-60 sm:grid-cols-3"
      >
        {regions.map((region) => (
          <li
            key={region.regionId}
            className="grid min-w-0 grid-cols-[auto_1fr] items-center gap-x-2"
          >
            <RegionDot regionId={region.regionId} />
            <span className="font-medium">{region.city}</span>
            <span className={cn("figures col-start-2", region.healthy ? "text-muted" : "text-bad")}>
              {describe(region)}
            </span>
          </li>
        ))}
      </ul>
      <p role="status" className="mt-2 min-h-[1lh] text-xs text-muted">
        {error
          ? `This server does not answer. What is shown is of ${data ? `${CLOCK.format(data.receivedAt)} UTC` : "when the page was made"}.`
          : null}
      </p>
    </div>
  );
}

function describe(region: RegionStatus): string {
  const condition = conditionOf(region);
  const leads = region.leading ? "leads, " : "";
  switch (condition) {
    case "down":
      return "does not answer";
    case "stalled":
      return `${leads}behind`;
    case "unknown":
    case "healthy":
      return leads + latency(region.latencyMs);
    default:
      return condition satisfies never;
  }
}

function latency(ms: number | null): string {
  if (ms === null) return "up";
  return ms < 1 ? "under 1 ms away" : `${Math.round(ms)} ms away`;
}

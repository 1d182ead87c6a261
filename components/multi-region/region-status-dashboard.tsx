"use client";

import { useEffect, useState } from "react";
import { cn } from "@/components/ui/class-names";
import { Notice } from "@/components/ui/notice";
import { RegionCard } from "./region-card";
import { STATUS_POLL_MS, useRegionStatus } from "./use-region-status";
import { busOf, type RegionStatus } from "@/lib/region-status-shape";

/** Older than this the figures are shown as history. */
const STALE_MS = 3 * STATUS_POLL_MS + 1000;

/** Seconds tick only in the browser; the server's clock has no place in the first markup. */
function useNow(): number | null {
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/**
 * The regions as the server sees them, polled every two seconds, and every 16 while the page is hidden.
 *
 * @param initial regions the server rendered the page with, so that it says something at once and
 *   without JavaScript
 */
export function RegionStatusDashboard({
  initial,
  endpoint = "/api/regions/status",
}: {
  initial?: RegionStatus[];
  endpoint?: string;
}) {
  const now = useNow();
  const [mountedAt] = useState(() => Date.now());
  const { data, error } = useRegionStatus({
    endpoint,
    initial: initial ? { regions: initial, receivedAt: mountedAt } : undefined,
  });
  if (!data) return error ? <Unavailable message={error.message} /> : <Loading />;

  const ageMs = now === null ? 0 : Math.max(0, now - data.receivedAt);
  const stale = ageMs > STALE_MS;
  const bus = busOf(data.regions);
  return (
    <section aria-label="Regions" data-state={stale ? "stale" : "fresh"} className="space-y-4">
      <div className="flex flex-wrap items-center gap-x-5 gap-y-1 text-sm">
        <p>
          <span className="text-muted">Bus </span>
          <span className={cn("font-medium", bus === "degraded" && "text-warn")}>
            {bus === "redis" ? "Redis" : bus}
          </span>
        </p>
        <p className="ml-auto text-muted" suppressHydrationWarning>
          {stale ? "Last answer " : "Updated "}
          {now === null ? "just now" : describeAge(ageMs)}
        </p>
      </div>
      {stale ? (
        <Notice tone="warn" live title="These figures are out of date.">
          The server has not answered for {Math.round(ageMs / 1000)} seconds
          {error ? `: ${error.message}` : "."} What is below was true then.
        </Notice>
      ) : null}
      {bus === "degraded" ? (
        <Notice tone="warn" title="Degraded bus: Redis is not reachable.">
          Nothing is lost and writes go on. Regions find new writes by asking each other’s
          databases, so they arrive later.
        </Notice>
      ) : null}
      <div
        className={cn(
          "grid grid-cols-1 gap-4 sm:grid-cols-2 lg:grid-cols-3",
          stale && "opacity-60 grayscale",
        )}
      >
        {data.regions.map((region) => (
          <RegionCard key={region.regionId} region={region} />
        ))}
      </div>
    </section>
  );
}

function describeAge(ageMs: number): string {
  const seconds = Math.round(ageMs / 1000);
  if (seconds < 1) return "just now";
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}

function Loading() {
  return (
    <section aria-label="Regions" aria-busy data-state="loading">
      <p role="status" className="sr-only">
        Asking the regions
      </p>
      <div aria-hidden className="grid grid-cols-1 gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {[0, 1, 2].map((card) => (
          <div key={card} className="h-48 animate-pulse rounded-lg border border-line bg-sunken" />
        ))}
      </div>
    </section>
  );
}

function Unavailable({ message }: { message: string }) {
  return (
    <section aria-label="Regions" data-state="unavailable">
      <Notice tone="bad" live title="The status of the regions can’t be read.">
        {message} The page keeps trying.
      </Notice>
    </section>
  );
}

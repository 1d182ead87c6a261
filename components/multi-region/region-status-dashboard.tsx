"use client";

import { useEffect, useState } from "react";
import useSWR from "swr";
import { cn } from "@/components/ui/class-names";
import { Notice } from "@/components/ui/notice";
import { RegionCard } from "./region-card";
import { busOf, type RegionStatus } from "@/lib/region-status-shape";

const POLL_MS = 2000;
/** An answer this late is no answer: without it a hung request would look like a fresh page. */
const TIMEOUT_MS = 5000;
/** Older than this the figures are shown as history. */
const STALE_MS = 3 * POLL_MS + 1000;

interface Snapshot {
  regions: RegionStatus[];
  receivedAt: number;
}

async function fetchStatus(url: string): Promise<Snapshot> {
  const response = await fetch(url, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const regions: unknown = await response.json();
  if (!Array.isArray(regions)) throw new Error("The server's answer was not a list of regions.");
  return { regions: regions as RegionStatus[], receivedAt: Date.now() };
}

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
 * The regions as the server sees them, polled every two seconds.
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
  const { data, error } = useSWR<Snapshot, Error>(endpoint, fetchStatus, {
    refreshInterval: POLL_MS,
    keepPreviousData: true,
    // Polling rests while there is an error; without this it would never find that it has passed.
    onErrorRetry: (_error, _key, _config, revalidate, { retryCount }) => {
      setTimeout(() => revalidate({ retryCount }), POLL_MS);
    },
    dedupingInterval: POLL_MS / 2,
    fallbackData: initial ? { regions: initial, receivedAt: mountedAt } : undefined,
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

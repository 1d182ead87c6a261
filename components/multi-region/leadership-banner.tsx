"use client";

import { lazy, Suspense } from "react";
import useSWR from "swr";
import type { BusState, LeadershipState } from "@/lib/leadership-shape";

/** While all is well somebody who only reads should cost next to nothing. */
const CALM_POLL_MS = 10_000;
const POLL_MS = 2_000;
/** An answer this late is no answer. */
const TIMEOUT_MS = 5_000;

const KINDS: readonly string[] = [
  "led",
  "changing",
  "read-only",
  "unknown",
] satisfies LeadershipState["kind"][];

/** A server that says nothing of the bus is one of a release before this one. */
type ServiceState = LeadershipState & { bus?: BusState };

async function fetchState(url: string): Promise<ServiceState> {
  const response = await fetch(url, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const state = (await response.json()) as ServiceState | null;
  if (!state || !KINDS.includes(state.kind)) throw new Error("No leadership state.");
  return state;
}

/**
 * Rarely shown, so it is no part of what every page loads. It must not take the page along should it fail to load,
 * as after another release.
 */
const ServiceNotices = lazy(() => import("./service-notices").catch(() => ({ default: Plainly })));

function Plainly({ leaderless, degraded }: { leaderless: object | null; degraded: boolean }) {
  return (
    <p role={leaderless ? "alert" : "status"}>
      {leaderless ? "No region leads at the moment. " : null}
      {degraded ? "Redis is away." : null}
    </p>
  );
}

/**
 * Says on every page that no region leads or that Redis is away, what works then and what does not,
 * until that has passed.
 *
 * @param initial what the server knew when it rendered the page
 */
export function LeadershipBanner({
  initial,
  bus = "unknown",
  endpoint = "/api/regions/leadership",
}: {
  initial: LeadershipState;
  bus?: BusState;
  endpoint?: string;
}) {
  // A failed poll keeps what was known: that this server does not answer says nothing of a leader.
  const first: ServiceState = { ...initial, bus };
  const { data = first } = useSWR<ServiceState, Error>(endpoint, fetchState, {
    fallbackData: first,
    refreshInterval: (latest) => ((latest ?? initial).kind === "led" ? CALM_POLL_MS : POLL_MS),
    onErrorRetry: (_error, _key, _config, revalidate, { retryCount }) => {
      setTimeout(() => revalidate({ retryCount }), POLL_MS);
    },
  });
  const degraded = data.bus === "degraded";
  const leaderless = data.kind === "led" || data.kind === "unknown" ? null : data;
  if (!leaderless && !degraded) return null;
  return (
    <div
      className="mx-auto w-full max-w-6xl space-y-3 px-4 pt-4 sm:px-6"
      data-leadership={data.kind}
      data-bus={data.bus}
    >
      <Suspense fallback={null}>
        <ServiceNotices leaderless={leaderless} degraded={degraded} />
      </Suspense>
    </div>
  );
}

"use client";

import useSWR from "swr";
import { Notice } from "@/components/ui/notice";
import type { LeadershipState, ReadOnlyReason } from "@/lib/leadership-shape";

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

async function fetchState(url: string): Promise<LeadershipState> {
  const response = await fetch(url, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const state = (await response.json()) as LeadershipState | null;
  if (!state || !KINDS.includes(state.kind)) throw new Error("That was not a leadership state.");
  return state;
}

const WHY: Record<ReadOnlyReason, string> = {
  "no-majority":
    "Fewer than half of the regions can be reached from here, so no region may lead. This passes by itself once they answer.",
  paused:
    "The leading region lost its lease while failover is paused. An administrator has to end the pause.",
  manual:
    "The leading region lost its lease, and failover is set to wait for an administrator’s request.",
  unreachable: "The leading region can’t be reached from here, though others may still reach it.",
};

/**
 * Says on every page that no region leads, what works then and what does not, until one does.
 *
 * @param initial what the server knew when it rendered the page
 */
export function LeadershipBanner({
  initial,
  endpoint = "/api/regions/leadership",
}: {
  initial: LeadershipState;
  endpoint?: string;
}) {
  // A failed poll keeps what was known: that this server does not answer says nothing of a leader.
  const { data = initial } = useSWR<LeadershipState, Error>(endpoint, fetchState, {
    fallbackData: initial,
    refreshInterval: (latest) => ((latest ?? initial).kind === "led" ? CALM_POLL_MS : POLL_MS),
    onErrorRetry: (_error, _key, _config, revalidate, { retryCount }) => {
      setTimeout(() => revalidate({ retryCount }), POLL_MS);
    },
  });
  if (data.kind === "led" || data.kind === "unknown") return null;
  return (
    <div className="mx-auto w-full max-w-6xl px-4 pt-4 sm:px-6" data-leadership={data.kind}>
      <Notice
        tone="warn"
        live
        title={data.kind === "changing" ? "The leading region is changing." : "No region leads."}
      >
        <p>
          {data.kind === "changing"
            ? "This usually takes a few seconds, and passes by itself."
            : WHY[data.reason]}
        </p>
        <p>
          Reading, writing and sharing documents and signing in go on. New accounts can’t be made
          meanwhile.
        </p>
      </Notice>
    </div>
  );
}

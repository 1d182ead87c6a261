"use client";

import { useCallback, useState } from "react";
import useSWR, { type SWRResponse } from "swr";

/** An answer this late is no answer. */
const TIMEOUT_MS = 8_000;

/** A page that nobody looks at asks as much more seldom. */
const HIDDEN_FACTOR = 8;

export interface PollOptions<T> {
  /** Of the answer's JSON; throws where it is not what was asked for. One url has one shape. */
  parse?: (json: unknown) => T;
  /** Shown until the first answer. */
  initial?: T;
  timeoutMs?: number;
  /** Within it parts of a page that ask for the same share one question. */
  dedupeMs?: number;
  /** Asks as often while the page is hidden. */
  alsoHidden?: boolean;
}

/** What a route of ours answers, asked for again and again; the last answer stays while one fails. */
export function usePolled<T>(
  url: string,
  intervalMs: (latest: T | undefined) => number,
  options: PollOptions<T> = {},
): SWRResponse<T, Error> {
  const { parse, initial, timeoutMs = TIMEOUT_MS, dedupeMs = 300, alsoHidden = false } = options;
  const [every, setEvery] = useState(() => intervalMs(initial));
  // SWR begins to wait anew for another function: were it one for each drawing, a page that is drawn more
  // often than it asks would never ask.
  const pause = useCallback(
    () => every * (!alsoHidden && document.hidden ? HIDDEN_FACTOR : 1),
    [every, alsoHidden],
  );
  const polled = useSWR<T, Error>(url, (asked: string) => fetchJson(asked, timeoutMs, parse), {
    refreshInterval: pause,
    refreshWhenHidden: true,
    keepPreviousData: true,
    dedupingInterval: dedupeMs,
    fallbackData: initial,
    // Polling rests while there is an error; without this it would never find that it has passed.
    onErrorRetry: (_error, _key, _config, revalidate, { retryCount }) => {
      setTimeout(() => revalidate({ retryCount }), pause());
    },
  });
  const wanted = intervalMs(polled.data);
  if (wanted !== every) setEvery(wanted);
  return polled;
}

async function fetchJson<T>(
  url: string,
  timeoutMs: number,
  parse?: (json: unknown) => T,
): Promise<T> {
  const response = await fetch(url, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const json: unknown = await response.json();
  return parse ? parse(json) : (json as T);
}

export type PolledState = "loading" | "fresh" | "stale" | "unavailable";

/** What a part of a page has to show for what it polls. */
export function polledState({ data, error }: Pick<SWRResponse, "data" | "error">): PolledState {
  if (data === undefined) return error ? "unavailable" : "loading";
  return error ? "stale" : "fresh";
}

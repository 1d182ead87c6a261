"use client";

import useSWR, { type SWRResponse } from "swr";

/** An answer this late is no answer. */
const TIMEOUT_MS = 8_000;

async function fetchJson<T>(url: string): Promise<T> {
  const response = await fetch(url, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return (await response.json()) as T;
}

/** What a route of ours answers, asked for again and again; the last answer stays while one fails. */
export function usePolled<T>(
  url: string,
  intervalMs: (latest: T | undefined) => number,
): SWRResponse<T, Error> {
  return useSWR<T, Error>(url, fetchJson<T>, {
    refreshInterval: intervalMs,
    keepPreviousData: true,
    dedupingInterval: 300,
    // Polling rests while there is an error; without this it would never find that it has passed.
    onErrorRetry: (_error, _key, _config, revalidate, { retryCount }) => {
      setTimeout(() => revalidate({ retryCount }), intervalMs(undefined));
    },
  });
}

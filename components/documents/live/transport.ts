import type { TextNews, TextRefused, TextSent } from "@/lib/documents/text/wire";

export interface Transport {
  /** Throws where no answer came. */
  poll(known: { marker: string; stateVector: string }): Promise<TextNews | TextRefused>;
  /** Throws where no answer came; the update may have been stored. */
  send(update: string): Promise<TextSent | TextRefused>;
}

/** A request that has no answer by then is tried again. */
const TIMEOUT_MS = 15_000;

/** Longer ones would not fit in an address; without it the whole text comes back. */
const STATE_VECTOR_MAX = 6_000;

export function httpTransport(documentId: string, tab: string): Transport {
  const path = `/api/documents/${encodeURIComponent(documentId)}/text`;
  return {
    poll({ marker, stateVector }) {
      const sv = stateVector.length > STATE_VECTOR_MAX ? "" : stateVector;
      return ask(`${path}?${new URLSearchParams({ marker, sv, tab }).toString()}`);
    },
    send(update) {
      const body = JSON.stringify({ update });
      return ask(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        // Outlives the page that it is sent from; browsers allow 64 KiB for that.
        keepalive: body.length < 60_000,
      });
    },
  };
}

async function ask<T>(url: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(url, {
    cache: "no-store",
    credentials: "same-origin",
    ...init,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  // A refusal is an answer; what is no JSON is somebody else's, such as a proxy's.
  return (await response.json()) as T;
}

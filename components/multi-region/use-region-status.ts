"use client";

import type { SWRResponse } from "swr";
import type { RegionStatus } from "@/lib/region-status-shape";
import { usePolled } from "./use-polled";

export const STATUS_POLL_MS = 2_000;

/** Without it a hung request would look like a fresh page. */
const TIMEOUT_MS = 5_000;

export interface StatusSnapshot {
  regions: RegionStatus[];
  /** Of Date.now(). */
  receivedAt: number;
}

function parse(json: unknown): StatusSnapshot {
  if (!Array.isArray(json)) throw new Error("The server's answer was not a list of regions.");
  return { regions: json as RegionStatus[], receivedAt: Date.now() };
}

/** The regions as the server sees them: one request for all parts of a page that show them. */
export function useRegionStatus({
  endpoint = "/api/regions/status",
  pollMs = STATUS_POLL_MS,
  initial,
}: {
  endpoint?: string;
  pollMs?: number;
  initial?: StatusSnapshot;
} = {}): SWRResponse<StatusSnapshot, Error> {
  return usePolled(endpoint, () => pollMs, {
    parse,
    initial,
    timeoutMs: TIMEOUT_MS,
    dedupeMs: STATUS_POLL_MS / 2,
  });
}

"use client";

import { useCallback, useEffect, useState } from "react";
import { usePolled } from "@/components/multi-region/use-polled";
import type { Fault } from "@/lib/lab/fault";
import type { LabState } from "@/lib/lab/lab-shape";
import type { StoryId } from "@/lib/lab/stories/progress";

const POLL_MS = 1_000;

export type LabOrder =
  | { to: "faults"; body: Fault }
  | { to: "load"; body: { on: boolean } }
  | { to: "story"; body: { action: "start"; story: StoryId } | { action: "stop" } }
  | { to: "reset"; body: Record<string, never> };

function post(path: string, body: unknown, keepalive = false): Promise<Response> {
  return fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    keepalive,
  });
}

export interface LabLink {
  state: LabState | undefined;
  /** Why the last poll failed; the state is then an old one. */
  error: Error | undefined;
  /** What was refused, and why. */
  refusal: string | null;
  busy: boolean;
  order: (order: LabOrder) => Promise<void>;
}

/** The lab as its server tells it, and a way to order things. Leaving the page resets the lab. */
export function useLab(): LabLink {
  const [page] = useState(() => crypto.randomUUID());
  const [refusal, setRefusal] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  // Also in the background: a story's document is opened in another tab, and silence resets the lab.
  const { data, error, mutate } = usePolled<LabState>(
    `/api/lab/state?page=${page}`,
    () => POLL_MS,
    { alsoHidden: true },
  );

  useEffect(() => {
    const leave = () => void post("/api/lab/leave", { page }, true).catch(() => undefined);
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      leave();
    };
  }, [page]);

  const order = useCallback(
    async ({ to, body }: LabOrder) => {
      setBusy(true);
      try {
        const response = await post(`/api/lab/${to}`, body);
        const said = (await response.json().catch(() => null)) as { message?: string } | null;
        setRefusal(response.ok ? null : (said?.message ?? `The server said ${response.status}.`));
        await mutate();
      } catch {
        setRefusal("The server did not answer.");
      } finally {
        setBusy(false);
      }
    },
    [mutate],
  );
  return { state: data, error, refusal, busy, order };
}

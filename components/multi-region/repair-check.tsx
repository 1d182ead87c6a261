"use client";

import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Time } from "@/components/ui/time";
import type { CheckSummary, RepairCheck as Check } from "@/lib/repair-check-shape";
import { formatMs } from "./receipt-text";
import { RegionLabel } from "./region-names";
import { usePolled } from "./use-polled";

const URL = "/api/regions/check";
const BUSY_POLL_MS = 1_000;
const CALM_POLL_MS = 15_000;
const TIMEOUT_MS = 10_000;

const isRunning = (check: Check | null | undefined) => check != null && check.endedAt === null;

/** Compares every row of every region on request, and says what differs. */
export function RepairCheck() {
  const { data, error, mutate } = usePolled<{ check: Check | null }>(URL, (latest) =>
    isRunning(latest?.check) ? BUSY_POLL_MS : CALM_POLL_MS,
  );
  const [complaint, setComplaint] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const busy = asking || isRunning(data?.check);

  async function ask() {
    if (busy) return;
    setAsking(true);
    setComplaint(null);
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(URL, { method: "POST", signal });
      if (!response.ok) {
        const answer = (await response.json().catch(() => ({}))) as { message?: string };
        setComplaint(answer.message ?? `The server answered ${response.status}.`);
      }
    } catch {
      setComplaint("No answer came. Try again.");
    }
    await mutate();
    setAsking(false);
  }

  return (
    <section aria-labelledby="repair-check" className="mt-10 space-y-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 id="repair-check" className="text-lg font-semibold">
          Repair check
        </h2>
        <Button variant="plain" aria-disabled={busy || undefined} onClick={() => void ask()}>
          {busy ? "Comparing" : "Compare all regions"}
        </Button>
      </div>
      {complaint ? (
        <Notice tone="bad" live>
          {complaint}
        </Notice>
      ) : null}
      {error && data === undefined ? (
        <Notice tone="bad" live title="The last comparison can’t be read.">
          {error.message} The page keeps trying.
        </Notice>
      ) : null}
      <div role="status" className="text-sm">
        {data ? <State check={data.check} /> : error ? null : "Asking the region"}
      </div>
    </section>
  );
}

function State({ check }: { check: Check | null }) {
  if (!check) return <p className="text-muted">The regions have not been compared from here.</p>;
  if (check.endedAt === null) return <p>Comparing every row of every region.</p>;
  return (
    <div className="space-y-2" data-outcome={check.report?.outcome ?? "failed"}>
      <p className="text-xs text-muted">
        <Time value={check.endedAt} />
      </p>
      {check.report ? <Summary report={check.report} /> : <p className="text-bad">{check.error}</p>}
    </div>
  );
}

function Summary({ report }: { report: CheckSummary }) {
  const { outcome, rows, differences, examples, unsettled, failures, compared, ms } = report;
  return (
    <>
      <p>
        {outcome === "equal" ? (
          <span className="font-medium text-ok">All equal: </span>
        ) : outcome === "different" ? (
          <span className="font-medium text-bad">{differences} rows differ: </span>
        ) : (
          <span className="font-medium text-warn">Not everything could be compared: </span>
        )}
        <span className="figures">{rows.toLocaleString("en-GB")}</span> rows in {compared.length}{" "}
        regions, {formatMs(ms)}
        {unsettled > 0 ? `; ${unsettled} were still being written` : ""}.
      </p>
      {failures.map(({ region, reason }) => (
        <p key={region} className="break-words text-warn">
          <RegionLabel regionId={region} />: {reason}
        </p>
      ))}
      {examples.length > 0 ? (
        <>
          <ul className="list-disc space-y-0.5 pl-5">
            {examples.map(({ entity, id, kind }) => (
              <li key={`${entity} ${id}`} className="break-words">
                {entity} {id}: {KINDS[kind]}
              </li>
            ))}
          </ul>
          <p className="text-muted">
            <code>npm run region -- repair</code> mends them.
          </p>
        </>
      ) : null}
    </>
  );
}

const KINDS = {
  missing: "a region does not have it",
  clock: "different versions",
  content: "the same version with another content",
} as const;

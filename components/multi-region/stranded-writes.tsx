"use client";

import Link from "next/link";
import { Notice } from "@/components/ui/notice";
import { Time } from "@/components/ui/time";
import type { StrandedRecord } from "@/lib/failover-shape";
import { OUTCOME_LABELS } from "./failover-text";
import { RegionLabel } from "./region-names";
import { usePolled } from "./use-polled";

const POLL_MS = 10_000;

interface Stranded {
  writes: StrandedRecord[];
  missing: string[];
}

/** What a region had written and not told before another one led, and what became of it. */
export function StrandedWrites() {
  const { data, error } = usePolled<Stranded>("/api/regions/stranded", () => POLL_MS);
  if (!data) {
    return error ? (
      <Notice tone="bad" live title="The list can’t be read.">
        {error.message}
      </Notice>
    ) : (
      <p role="status" className="text-sm text-muted">
        Asking the regions
      </p>
    );
  }
  return (
    <div className="space-y-2">
      {data.missing.length > 0 ? (
        <Notice tone="warn">
          Some regions do not answer, so this may not be all: {data.missing.join(", ")}.
        </Notice>
      ) : null}
      {data.writes.length === 0 ? (
        <p className="text-sm text-muted">No write was left behind by a change of who leads.</p>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface text-sm">
          {data.writes.map((write) => (
            <li
              key={`${write.actor} ${write.position} ${write.entityId}`}
              data-outcome={write.outcome}
              className="px-4 py-2.5"
            >
              <p className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
                <RegionLabel regionId={write.actor} />
                <span className="break-all">
                  {write.entity} {write.entityId}
                </span>
                <Time value={write.foundAt} className="text-xs text-muted sm:ml-auto" />
              </p>
              <p className="text-muted">
                {OUTCOME_LABELS[write.outcome]}{" "}
                {write.conflictId ? (
                  <Link
                    href={`/admin/conflicts/${encodeURIComponent(write.conflictId)}`}
                    className="text-accent underline underline-offset-2"
                  >
                    The conflict
                  </Link>
                ) : null}
              </p>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

import { CircleCheck, CircleX, LoaderCircle, Undo2, type LucideIcon } from "lucide-react";
import { cn } from "@/components/ui/class-names";
import { Time } from "@/components/ui/time";
import type { FailoverRecord } from "@/lib/failover-shape";
import { durationMs, isRunning, KIND_LABELS, STATUS_LABELS } from "./failover-text";
import { formatMs } from "./receipt-text";
import { RegionLabel } from "./region-names";

const LOOKS: Record<FailoverRecord["status"], { icon: LucideIcon; className: string }> = {
  initiated: { icon: LoaderCircle, className: "text-accent" },
  in_progress: { icon: LoaderCircle, className: "text-accent" },
  completed: { icon: CircleCheck, className: "text-ok" },
  failed: { icon: CircleX, className: "text-bad" },
  rolled_back: { icon: Undo2, className: "text-warn" },
};

/** Attempts to change who leads, newest first, with how long each step took. */
export function FailoverHistory({ records }: { records: readonly FailoverRecord[] }) {
  if (records.length === 0) {
    return <p className="text-sm text-muted">The same region has led from the beginning.</p>;
  }
  return (
    <ol className="divide-y divide-line rounded-lg border border-line bg-surface">
      {records.map((record) => (
        <li key={record.id} className="px-4 py-3" data-attempt={record.status}>
          <Attempt record={record} />
        </li>
      ))}
    </ol>
  );
}

export function Attempt({ record }: { record: FailoverRecord }) {
  const { icon: Icon, className } = LOOKS[record.status];
  const tookMs = durationMs(record);
  return (
    <div className="space-y-1.5 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className={cn("inline-flex items-center gap-1 font-medium", className)}>
          <Icon
            aria-hidden
            className={cn("size-4", isRunning(record) && "motion-safe:animate-spin")}
          />
          {STATUS_LABELS[record.status]}
        </span>
        <span className="inline-flex flex-wrap items-baseline gap-1.5">
          {record.fromRegion === null ? "nobody" : <RegionLabel regionId={record.fromRegion} />}
          <span aria-label="to">→</span>
          <RegionLabel regionId={record.toRegion} className="font-medium" />
        </span>
        <span className="text-muted">
          {KIND_LABELS[record.kind]}
          {record.epoch === null ? "" : `, epoch ${record.epoch}`}
          {tookMs === null ? "" : `, ${formatMs(tookMs)}`}
        </span>
        <Time value={record.timestamp} className="text-xs text-muted sm:ml-auto" />
      </div>
      <p className="break-words text-muted">
        {record.reason}
        {record.requestedBy ? ` (${record.requestedBy})` : ""}
      </p>
      {record.error ? <p className="break-words text-bad">{record.error}</p> : null}
      {record.steps.length > 0 ? <Steps steps={record.steps} /> : null}
    </div>
  );
}

function Steps({ steps }: { steps: FailoverRecord["steps"] }) {
  return (
    <ol aria-label="Steps" className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
      {steps.map(({ name, startedMs, ms, detail }) => (
        <li key={`${name} ${startedMs}`} title={detail}>
          {name} <span className="figures text-ink">{formatMs(ms)}</span>
        </li>
      ))}
    </ol>
  );
}

import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { AuditRecord } from "@/lib/audit";

const ACTIONS: Record<string, string> = {
  "leadership.switchover": "asked for a switchover to",
  "leadership.failover": "asked for a failover to",
  "leadership.pause": "paused failover, told",
  "leadership.resume": "resumed failover, told",
  "dead-letter.retry": "retried dead letters of",
  "dead-letter.edit": "edited a dead letter of",
  "dead-letter.discard": "discarded dead letters of",
  "repair.check": "compared the regions:",
  "lab.fault": "in the fault lab:",
  "lab.story": "began a story in the fault lab:",
  "lab.reset": "reset the fault lab:",
};

/** Who did what, when, where and with which result, newest first. */
export function AuditList({ records }: { records: readonly AuditRecord[] }) {
  return (
    <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
      {records.map((record) => (
        <li
          key={`${record.regionId} ${record.id}`}
          className="grid gap-x-6 gap-y-1 px-4 py-3 text-sm sm:grid-cols-[minmax(0,1fr)_auto]"
          data-action={record.action}
        >
          <p className="min-w-0 break-words">
            <span className="font-medium">{who(record)}</span>{" "}
            <span className="text-muted">{ACTIONS[record.action] ?? `${record.action} of`}</span>{" "}
            {record.subject}
          </p>
          <p className="text-xs text-muted sm:text-right">
            <Time value={record.at} />
          </p>
          <p className="min-w-0 break-words text-muted">
            <span className="text-ink">{record.result}</span>
            {reasonOf(record)}
          </p>
          <p className="text-xs text-muted sm:text-right">
            <RegionLabel regionId={record.regionId} />
          </p>
        </li>
      ))}
    </ul>
  );
}

function who({ userId, userName }: AuditRecord): string {
  if (userId === null) return "The region itself";
  return userName ?? userId;
}

function reasonOf({ detail }: AuditRecord): string {
  return typeof detail.reason === "string" && detail.reason !== "" ? `: ${detail.reason}` : "";
}

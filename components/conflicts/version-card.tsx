import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { ConflictStatus, VersionInConflict } from "@/lib/conflicts/types";
import { isDeletion, valueText } from "./conflict-text";

/** Of the version that won, and of the others. */
const FATES: Record<ConflictStatus, readonly [string, string]> = {
  open: ["the one that shows", "not shown"],
  automatic: ["won", "lost"],
  decided: ["showed before the decision", "did not show before the decision"],
};

export function versionLabel(index: number): string {
  return `Version ${String.fromCharCode(65 + index)}`;
}

/** One version: its text, and who wrote it where and when, knowing of what. */
export function VersionCard({
  version,
  index,
  field,
  status,
}: {
  version: VersionInConflict;
  index: number;
  field: string;
  status: ConflictStatus;
}) {
  const text = valueText(version.value);
  const id = `version-${index}`;
  return (
    <article
      aria-labelledby={id}
      className="flex min-w-0 flex-col rounded-lg border border-line bg-surface"
    >
      <h3
        id={id}
        className="flex items-baseline gap-2 border-b border-line px-4 py-2.5 font-medium"
      >
        {versionLabel(index)}
        <span className="text-xs font-normal text-muted">
          {FATES[status][version.won ? 0 : 1]}
          {field === "$deleted" ? `, ${isDeletion(version.value) ? "deleted" : "changed"}` : ""}
        </span>
      </h3>
      <pre
        tabIndex={0}
        aria-label={`${versionLabel(index)}, text`}
        className="max-h-80 flex-1 overflow-auto px-4 py-3 font-sans text-sm break-words whitespace-pre-wrap"
      >
        {text === "" ? <span className="text-faint">empty</span> : text}
      </pre>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 border-t border-line px-4 py-3 text-sm [&_dt]:text-muted">
        <dt>By</dt>
        <dd className="truncate">
          {version.author ? (version.author.name ?? "an unknown account") : "not noted"}
        </dd>
        <dt>In</dt>
        <dd>
          <RegionLabel regionId={version.origin} />
          {version.count === 0 ? <span className="text-muted"> (refused, not stored)</span> : null}
        </dd>
        <dt>At</dt>
        <dd>
          <Time value={version.at} />
        </dd>
        <dt>Clock</dt>
        <dd>
          <Clock clock={version.clock} />
        </dd>
        <dt>
          <abbr title="Hybrid logical clock: the time of the write, by which the regions order writes">
            HLC
          </abbr>
        </dt>
        <dd className="figures truncate text-muted" title={version.hlc}>
          {version.hlc}
        </dd>
      </dl>
    </article>
  );
}

export function Clock({ clock }: { clock: Readonly<Record<string, number>> }) {
  const entries = Object.entries(clock).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <span className="flex flex-wrap gap-x-3">
      {entries.map(([actor, count]) => (
        <span key={actor} className="inline-flex items-baseline gap-1.5 whitespace-nowrap">
          <RegionLabel regionId={actor} />
          <span className="figures">{count}</span>
        </span>
      ))}
    </span>
  );
}

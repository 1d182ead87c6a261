import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { DocumentRow } from "@/lib/documents/types";

/** Where this version was written, and how many writes of each region are in it. */
export function VersionFacts({ document }: { document: DocumentRow }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm [&_dt]:text-muted">
      <dt>Written in</dt>
      <dd>
        <RegionLabel regionId={document.origin} />
      </dd>
      <dt>At</dt>
      <dd>
        <Time value={document.updatedAt} />
      </dd>
      <dt>Position</dt>
      <dd className="figures">{document.position}</dd>
      <dt>Clock</dt>
      <dd className="flex flex-wrap gap-x-3">
        {Object.entries(document.clock).map(([actor, count]) => (
          <span key={actor} className="inline-flex items-baseline gap-1.5 whitespace-nowrap">
            <RegionLabel regionId={actor} />
            <span className="figures">{count}</span>
          </span>
        ))}
      </dd>
    </dl>
  );
}

import Link from "next/link";
import { RegionLabel } from "@/components/multi-region/region-names";
import type { PlacementView } from "@/lib/documents/placements";

/** Own documents that the region which answered must not have: not even their titles are known there. */
export function KeptElsewhere({ placements }: { placements: readonly PlacementView[] }) {
  if (placements.length === 0) return null;
  return (
    <section className="mt-8 space-y-2.5" aria-labelledby="kept-elsewhere">
      <h2 id="kept-elsewhere" className="text-sm font-semibold">
        Kept elsewhere
      </h2>
      <p className="text-sm text-muted">
        This region must not have these, so it does not know their titles. They open from where they
        are kept.
      </p>
      <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface text-sm">
        {placements.map(({ documentId, regions }) => (
          <li
            key={documentId}
            className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 px-4 py-2.5"
          >
            <Link
              href={`/documents/${documentId}`}
              prefetch={false}
              className="min-w-0 truncate text-accent underline underline-offset-2"
            >
              Document {documentId}
            </Link>
            <span className="flex flex-wrap gap-x-3 text-xs text-muted">
              {regions.map((id) => (
                <RegionLabel key={id} regionId={id} />
              ))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

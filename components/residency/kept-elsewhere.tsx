import Link from "next/link";
import { RegionLabel } from "@/components/multi-region/region-names";
import type { PlacementView } from "@/lib/residency/placements";
import { nameOf, pathOf } from "./subjects";

/** What the region which answered must not have: not even its titles are known there. */
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
        {placements.map((placement) => (
          <li
            key={placement.id}
            className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 px-4 py-2.5"
          >
            <Link
              href={pathOf(placement)}
              prefetch={false}
              className="min-w-0 truncate text-accent underline underline-offset-2"
            >
              {nameOf(placement)}
            </Link>
            <span className="flex flex-wrap gap-x-3 text-xs text-muted">
              {placement.regions.map((id) => (
                <RegionLabel key={id} regionId={id} />
              ))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

import Link from "next/link";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import { Time } from "@/components/ui/time";
import type { ContentListItem } from "@/lib/cms/read";
import { ContentStatusBadge } from "./content-status";

export function ManageList({ items }: { items: ContentListItem[] }) {
  if (items.length === 0) {
    return (
      <div className="rounded-lg border border-dashed border-line-strong px-6 py-14 text-center">
        <h2 className="font-medium">No articles yet</h2>
        <p className="mx-auto mt-1 max-w-md text-sm text-muted">
          Write one, send it for review, and a reviewer publishes it in every region.
        </p>
        <Link href="/content/manage/new" className={buttonClass("primary", "mt-5")}>
          Write the first one
        </Link>
      </div>
    );
  }
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {items.map((item) => (
        <li
          key={item.id}
          className="relative grid gap-x-6 gap-y-1 px-4 py-3 hover:bg-sunken sm:grid-cols-[minmax(0,1fr)_auto]"
        >
          <div className="min-w-0">
            <h2 className="truncate font-medium">
              <Link
                href={`/content/manage/${item.id}`}
                className="after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
              >
                {item.title}
              </Link>
            </h2>
            <p className="truncate text-sm text-muted">
              /content/{item.id} · {item.author.name ?? "an author unknown here"}
            </p>
          </div>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted sm:flex-col sm:items-end">
            <span className="flex flex-wrap gap-1.5">
              {item.undecided.length > 0 ? (
                <span className="rounded-full border border-bad/35 bg-bad-tint px-2 leading-5 text-bad">
                  Conflict
                </span>
              ) : null}
              <ContentStatusBadge status={item.status} />
            </span>
            <span className="inline-flex flex-wrap items-baseline gap-x-1.5">
              <RegionLabel regionId={item.origin} />
              <span aria-hidden>·</span>
              <Time value={item.updatedAt} />
            </span>
          </div>
        </li>
      ))}
    </ul>
  );
}

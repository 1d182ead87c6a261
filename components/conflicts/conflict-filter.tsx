import Link from "next/link";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { inputClass } from "@/components/ui/field";
import { CONFLICT_STATUSES, type ConflictCounts, type ConflictFilter } from "@/lib/conflicts/types";
import { filterQuery } from "@/lib/conflicts/filter";
import { entityName, STATUS_NAMES } from "./conflict-text";

const ENTITIES = ["Document", "Collaborator", "ContentItem", "User"] as const;

/** Links and a plain form: the filter is in the address, and needs no JavaScript. */
export function ConflictFilterBar({
  path,
  filter,
  counts,
}: {
  path: string;
  filter: ConflictFilter;
  counts: ConflictCounts;
}) {
  const all = CONFLICT_STATUSES.reduce((sum, status) => sum + counts[status], 0);
  const tab = (status: ConflictFilter["status"], label: string, count: number) => {
    const chosen = filter.status === status;
    return (
      <li key={label}>
        <Link
          href={`${path}${filterQuery({ ...filter, status, before: undefined })}`}
          aria-current={chosen ? "page" : undefined}
          className={cn(
            "inline-flex items-baseline gap-1.5 rounded-md px-2.5 py-1 text-sm text-muted hover:bg-tint hover:text-ink",
            chosen && "bg-tint font-medium text-ink",
          )}
        >
          {label} <span className="figures text-xs">{count}</span>
        </Link>
      </li>
    );
  };
  return (
    <div className="mb-5 flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
      <nav aria-label="Conflicts by status">
        <ul className="-mx-1 flex flex-wrap gap-1">
          {tab(undefined, "All", all)}
          {CONFLICT_STATUSES.map((status) => tab(status, STATUS_NAMES[status], counts[status]))}
        </ul>
      </nav>
      <form action={path} className="flex flex-wrap items-end gap-2 max-sm:w-full" role="search">
        {filter.status ? <input type="hidden" name="status" value={filter.status} /> : null}
        <label className="flex flex-col gap-1 text-xs text-muted max-sm:flex-1">
          Kind
          <select
            name="entity"
            defaultValue={filter.entityType ?? ""}
            className={cn(inputClass, "h-9 py-0")}
          >
            <option value="">All kinds</option>
            {ENTITIES.map((entity) => (
              <option key={entity} value={entity}>
                {entityName(entity)}
              </option>
            ))}
          </select>
        </label>
        <label className="flex min-w-0 flex-col gap-1 text-xs text-muted max-sm:flex-1">
          Id begins with
          <input
            name="q"
            type="search"
            maxLength={200}
            defaultValue={filter.search ?? ""}
            className={cn(inputClass, "h-9 w-44 py-0 max-sm:w-full")}
          />
        </label>
        <Button type="submit" variant="plain">
          Filter
        </Button>
      </form>
    </div>
  );
}

export function NoConflicts({ filtered }: { filtered: boolean }) {
  return (
    <div className="rounded-lg border border-dashed border-line-strong px-6 py-14 text-center">
      <h2 className="font-medium">{filtered ? "None of that kind" : "No conflicts"}</h2>
      <p className="mx-auto mt-1 max-w-md text-sm text-muted">
        {filtered
          ? "No conflict matches. Choose another status or kind."
          : "When two regions change the same thing at once, what was chosen, and what lost, is kept here."}
      </p>
    </div>
  );
}

import { Search } from "lucide-react";
import Form from "next/form";
import Link from "next/link";
import { buttonClass } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { inputClass } from "@/components/ui/field";
import {
  DOCUMENT_SORTS,
  listAddress,
  type DocumentSort,
  type ListQuery,
} from "@/lib/documents/list-query";

const LABELS: Record<DocumentSort, string> = {
  updated: "Last changed",
  title: "Title",
  created: "Created",
};

/** Looks for documents and puts them in order: a form and links, all of it in the address. */
export function ListBar({ query, find }: { query: ListQuery; find: boolean }) {
  return (
    <div className="mb-4 flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
      <Form
        action="/documents"
        role="search"
        className="flex min-w-0 flex-1 basis-72 items-center gap-2"
      >
        <div className="relative min-w-0 max-w-md flex-1">
          <Search
            aria-hidden
            className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-faint"
          />
          <input
            type="search"
            name="q"
            // With another search the field begins anew; while it is typed in it is left alone.
            key={query.search}
            defaultValue={query.search}
            autoFocus={find}
            maxLength={200}
            aria-label="Search in titles and summaries"
            placeholder="Search titles and summaries"
            aria-keyshortcuts="/"
            data-shortcut="search"
            className={cn(inputClass, "h-9 py-0 pl-9")}
          />
        </div>
        {query.sort === "updated" ? null : <input type="hidden" name="sort" value={query.sort} />}
        <button type="submit" className={buttonClass("plain")}>
          Search
        </button>
      </Form>
      <nav aria-label="Order" className="flex items-center gap-1 text-sm">
        <span aria-hidden className="text-muted max-sm:sr-only">
          Sort by
        </span>
        {DOCUMENT_SORTS.map((sort) => (
          <Link
            key={sort}
            href={`/documents${listAddress({ ...query, sort, from: null })}`}
            aria-current={query.sort === sort ? "true" : undefined}
            prefetch={false}
            className={cn(
              "rounded-md px-2 py-1 text-muted hover:bg-tint hover:text-ink",
              query.sort === sort && "bg-tint font-medium text-ink",
            )}
          >
            {LABELS[sort]}
          </Link>
        ))}
      </nav>
    </div>
  );
}

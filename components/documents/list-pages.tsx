import Link from "next/link";
import { buttonClass } from "@/components/ui/button";
import { listAddress, type ListQuery } from "@/lib/documents/list-query";
import type { DocumentListPage } from "@/lib/documents/types";

/** The ways to the pages beside this one; nothing where there is only one. */
export function ListPages({ query, page }: { query: ListQuery; page: DocumentListPage }) {
  const { previous, next } = page;
  if (!previous && !next && !query.from) return null;
  const to = (from: ListQuery["from"]) => `/documents${listAddress({ ...query, from })}`;
  return (
    <nav aria-label="Pages" className="mt-4 flex flex-wrap gap-2">
      {query.from ? (
        <Link href={to(null)} prefetch={false} className={buttonClass("quiet")}>
          First page
        </Link>
      ) : null}
      {previous ? (
        <Link
          href={to({ towards: "before", cursor: previous })}
          prefetch={false}
          rel="prev"
          className={buttonClass("plain")}
        >
          Previous
        </Link>
      ) : null}
      {next ? (
        <Link
          href={to({ towards: "after", cursor: next })}
          prefetch={false}
          rel="next"
          className={buttonClass("plain")}
        >
          Next
        </Link>
      ) : null}
    </nav>
  );
}

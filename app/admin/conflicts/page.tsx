import type { Metadata } from "next";
import Link from "next/link";
import { requireReader } from "@/app/conflicts/reader";
import { ConflictFilterBar, NoConflicts } from "@/components/conflicts/conflict-filter";
import { ConflictList } from "@/components/conflicts/conflict-list";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { readConflicts } from "@/lib/conflicts/read";
import { filterQuery, parseFilter } from "@/lib/conflicts/filter";
import { requireAdmin } from "@/lib/auth/session";

export const metadata: Metadata = { title: "Conflicts" };

const PATH = "/admin/conflicts";

interface Props {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function ConflictsPage({ searchParams }: Props) {
  await requireAdmin();
  const reader = await requireReader(PATH);
  const filter = parseFilter(await searchParams);
  const { value, receipt } = await readConflicts(reader, filter);
  const { items, counts, next } = value;
  return (
    <>
      <PageHeader
        title="Conflicts"
        actions={
          <Link href="/admin" className={buttonClass("plain")}>
            Regions
          </Link>
        }
      >
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <ConflictFilterBar path={PATH} filter={filter} counts={counts} />
      {items.length === 0 ? (
        <NoConflicts filtered={filterQuery(filter) !== ""} />
      ) : (
        <ConflictList conflicts={items} base={PATH} />
      )}
      <nav aria-label="Pages" className="mt-4 flex gap-2">
        {filter.before ? (
          <Link
            href={`${PATH}${filterQuery({ ...filter, before: undefined })}`}
            className={buttonClass("plain")}
          >
            Newest
          </Link>
        ) : null}
        {next ? (
          <Link
            href={`${PATH}${filterQuery({ ...filter, before: next })}`}
            className={buttonClass("plain")}
          >
            Older
          </Link>
        ) : null}
      </nav>
    </>
  );
}

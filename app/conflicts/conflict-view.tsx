import Link from "next/link";
import { notFound } from "next/navigation";
import { ConflictDetails } from "@/components/conflicts/conflict-page";
import { subject } from "@/components/conflicts/conflict-list";
import { NotHereYet } from "@/components/documents/not-here-yet";
import { WrittenNotice } from "@/components/documents/written-notice";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { readConflict } from "@/lib/conflicts/read";
import type { ConflictReader, ConflictView } from "@/lib/conflicts/types";
import { readFlash } from "@/lib/request-context";

/** The page of one conflict, at either of its two addresses. */
export async function ConflictPage({
  reader,
  id,
  page,
}: {
  reader: ConflictReader;
  id: string;
  page: "admin" | "owner";
}) {
  const { value: conflict, receipt } = await readConflict(reader, id);
  if (!conflict) return receipt.stale ? <NotHereYet receipt={receipt} /> : notFound();
  const list = page === "admin" ? "/admin/conflicts" : subjectPath(conflict);
  const path = page === "admin" ? `/admin/conflicts/${id}` : `/conflicts/${id}`;
  return (
    <>
      <PageHeader
        title={subject(conflict)}
        actions={
          <Link href={list} className={buttonClass("plain")}>
            {page === "admin" ? "All conflicts" : "Back"}
          </Link>
        }
      >
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <WrittenNotice flash={await readFlash(path)} />
      <ConflictDetails conflict={conflict} page={page} />
    </>
  );
}

function subjectPath({ document, article }: ConflictView): string {
  if (article) return `/content/manage/${article.id}`;
  return document && !document.deleted ? `/documents/${document.id}` : "/documents";
}

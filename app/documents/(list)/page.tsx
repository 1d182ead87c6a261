import type { Metadata } from "next";
import { requireActor } from "@/app/actor";
import { KeptElsewhere } from "@/components/residency/kept-elsewhere";
import { DocumentList } from "@/components/documents/document-list";
import { ListBar } from "@/components/documents/list-bar";
import { ListPages } from "@/components/documents/list-pages";
import { NewDocumentLink } from "@/components/documents/new-document-link";
import { WrittenNotice } from "@/components/documents/written-notice";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { PageHeader } from "@/components/ui/page-header";
import { listAddress, parseListQuery } from "@/lib/documents/list-query";
import { readPlacements } from "@/lib/residency/placements";
import { readDocuments } from "@/lib/documents/read";
import { readFlash } from "@/lib/request-context";

export const metadata: Metadata = { title: "Documents" };

interface Props {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function DocumentsPage({ searchParams }: Props) {
  const params = await searchParams;
  const query = parseListQuery(params);
  const actor = await requireActor(`/documents${listAddress(query)}`);
  const [{ value: page, receipt }, { value: placements }] = await Promise.all([
    readDocuments(actor, query),
    readPlacements(actor, "Document"),
  ]);
  const elsewhere = placements.filter(
    ({ regions }) => !regions.some((id) => id === receipt.regionId),
  );
  const none = page.items.length === 0 && query.search === "" && query.from === null;
  return (
    <>
      <PageHeader title="Documents" actions={<NewDocumentLink />}>
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <WrittenNotice flash={await readFlash("/documents")} />
      {none ? null : <ListBar query={query} find={params.find !== undefined} />}
      <DocumentList documents={page.items} query={query} />
      <ListPages query={query} page={page} />
      <KeptElsewhere placements={elsewhere} />
    </>
  );
}

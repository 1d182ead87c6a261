import type { Metadata } from "next";
import Link from "next/link";
import { requireActor } from "@/app/actor";
import { DocumentList } from "@/components/documents/document-list";
import { WrittenNotice } from "@/components/documents/written-notice";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { readDocuments } from "@/lib/documents/read";
import { readFlash } from "@/lib/request-context";

export const metadata: Metadata = { title: "Documents" };

export default async function DocumentsPage() {
  const actor = await requireActor("/documents");
  const { value: documents, receipt } = await readDocuments(actor);
  return (
    <>
      <PageHeader
        title="Documents"
        actions={
          <Link href="/documents/new" className={buttonClass()}>
            New document
          </Link>
        }
      >
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <WrittenNotice flash={await readFlash("/documents")} />
      <DocumentList documents={documents} />
    </>
  );
}

import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { requireActor } from "@/app/actor";
import { parseSlug } from "@/app/content/slug";
import { ContentHistory } from "@/components/content/history";
import { NotHereYet } from "@/components/documents/not-here-yet";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { readContent } from "@/lib/cms/read";

export const metadata: Metadata = { title: "History" };

export default async function ContentVersionsPage({
  params,
}: {
  params: Promise<{ slug: string }>;
}) {
  const { slug } = await params;
  const actor = await requireActor(`/content/manage/${slug}/versions`);
  const { value, receipt } = await readContent(actor, parseSlug(slug));
  if (!value) return receipt.stale ? <NotHereYet receipt={receipt} /> : notFound();
  return (
    <>
      <PageHeader
        title={`History of ${value.item.title}`}
        actions={
          <Link href={`/content/manage/${slug}`} className={buttonClass("plain")}>
            Back to the article
          </Link>
        }
      >
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <ContentHistory item={value.item} versions={value.versions} />
    </>
  );
}

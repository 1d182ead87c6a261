import type { Metadata } from "next";
import Link from "next/link";
import { requireActor } from "@/app/actor";
import { ManageList } from "@/components/content/manage-list";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { KeptElsewhere } from "@/components/residency/kept-elsewhere";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { readContents } from "@/lib/cms/read";
import { readPlacements } from "@/lib/residency/placements";

export const metadata: Metadata = { title: "Your articles" };

export default async function ManagePage() {
  const actor = await requireActor("/content/manage");
  const [{ value, receipt }, { value: placements }] = await Promise.all([
    readContents(actor),
    readPlacements(actor, "ContentItem"),
  ]);
  const elsewhere = placements.filter(
    ({ regions }) => !regions.some((id) => id === receipt.regionId),
  );
  return (
    <>
      <PageHeader
        title="Your articles"
        actions={
          <>
            <Link href="/content" className={buttonClass("plain")}>
              What is public
            </Link>
            <Link href="/content/manage/new" className={buttonClass()}>
              New article
            </Link>
          </>
        }
      >
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <ManageList items={value} />
      <KeptElsewhere placements={elsewhere} />
    </>
  );
}

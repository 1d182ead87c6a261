import type { Metadata } from "next";
import { NewDocumentForm } from "@/components/documents/document-form";
import { RegionLabel } from "@/components/multi-region/region-names";
import { PageHeader } from "@/components/ui/page-header";
import { requireActor } from "@/app/actor";
import { places } from "@/lib/residency/placements";

export const metadata: Metadata = { title: "New document" };

export default async function NewDocumentPage() {
  const { vantage } = await requireActor("/documents/new");
  return (
    <>
      <PageHeader title="New document">
        <p className="text-sm text-muted">
          It will be written in <RegionLabel regionId={vantage} className="text-ink" />, the region
          nearest to you, unless you keep it elsewhere.
        </p>
      </PageHeader>
      <NewDocumentForm places={places()} />
    </>
  );
}

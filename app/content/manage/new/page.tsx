import type { Metadata } from "next";
import { requireActor } from "@/app/actor";
import { CreateContentForm } from "@/components/content/content-forms";
import { PageHeader } from "@/components/ui/page-header";
import { places } from "@/lib/residency/placements";

export const metadata: Metadata = { title: "New article" };

export default async function NewContentPage() {
  await requireActor("/content/manage/new");
  return (
    <>
      <PageHeader title="New article" />
      <CreateContentForm places={places()} />
    </>
  );
}

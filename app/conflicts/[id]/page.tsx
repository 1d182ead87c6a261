import type { Metadata } from "next";
import { ConflictPage } from "@/app/conflicts/conflict-view";
import { parseConflictId, requireReader } from "@/app/conflicts/reader";

export const metadata: Metadata = { title: "Conflict" };

/** For the owner of a document; an administrator sees it too. */
export default async function OwnerConflictPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const reader = await requireReader(`/conflicts/${id}`);
  return <ConflictPage reader={reader} id={parseConflictId(id)} page="owner" />;
}

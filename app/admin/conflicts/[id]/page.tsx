import type { Metadata } from "next";
import { ConflictPage } from "@/app/conflicts/conflict-view";
import { parseConflictId, requireReader } from "@/app/conflicts/reader";
import { Forbidden } from "@/components/session/forbidden";

export const metadata: Metadata = { title: "Conflict" };

export default async function AdminConflictPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const reader = await requireReader(`/admin/conflicts/${id}`);
  if (!reader.admin) return <Forbidden />;
  return <ConflictPage reader={reader} id={parseConflictId(id)} page="admin" />;
}

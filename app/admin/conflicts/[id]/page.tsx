import type { Metadata } from "next";
import { ConflictPage } from "@/app/conflicts/conflict-view";
import { parseConflictId, requireReader } from "@/app/conflicts/reader";
import { requireAdmin } from "@/lib/auth/session";

export const metadata: Metadata = { title: "Conflict" };

export default async function AdminConflictPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  await requireAdmin();
  const reader = await requireReader(`/admin/conflicts/${id}`);
  return <ConflictPage reader={reader} id={parseConflictId(id)} page="admin" />;
}

import type { Metadata } from "next";
import { requireActor } from "@/app/actor";
import { InventoryBoard } from "@/components/inventory/inventory-board";
import { PageHeader } from "@/components/ui/page-header";
import { readInventory } from "@/lib/ecommerce/read";

export const metadata: Metadata = { title: "Inventory" };

export default async function InventoryPage() {
  const actor = await requireActor("/inventory");
  const { value, receipt } = await readInventory(actor);
  return (
    <>
      <PageHeader title="Inventory">
        <p className="max-w-2xl text-sm text-pretty text-muted">
          One stock, sold from in every region at once. A region sells what it holds the right to
          without asking any other, so nothing is sold twice, not even while regions cannot hear
          each other.
        </p>
      </PageHeader>
      <InventoryBoard initial={{ ...value, receipt }} />
    </>
  );
}

import type { Metadata } from "next";
import { requireActor } from "@/app/actor";
import { OrderBoard } from "@/components/orders/order-board";
import { PageHeader } from "@/components/ui/page-header";
import { readOrders } from "@/lib/ecommerce/read-orders";

export const metadata: Metadata = { title: "Orders" };

export default async function OrdersPage() {
  const actor = await requireActor("/orders");
  const { value, receipt } = await readOrders(actor);
  return (
    <>
      <PageHeader title="Orders">
        <p className="max-w-2xl text-sm text-pretty text-muted">
          An order confirms what you have reserved and is paid in a ledger that one region leads and
          a majority holds. It is acknowledged once no single region’s loss can undo it, and made
          once, however often it is sent.
        </p>
      </PageHeader>
      <OrderBoard initial={{ ...value, receipt }} />
    </>
  );
}

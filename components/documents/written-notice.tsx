import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import type { Receipt } from "@/lib/db/read-your-writes";

/** After a redirect: the receipt of the write that led here. */
export function WrittenNotice({ flash }: { flash: { message: string; receipt: Receipt } | null }) {
  if (!flash) return null;
  return (
    <div
      role="status"
      className="mb-6 flex flex-wrap items-center gap-x-3 gap-y-1.5 rounded-md border border-ok/35 bg-ok-tint px-3.5 py-2 text-sm"
    >
      <span className="font-medium">{flash.message}</span>
      <ReceiptBadge receipt={flash.receipt} />
    </div>
  );
}

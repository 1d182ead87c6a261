import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import type { Receipt } from "@/lib/db/read-your-writes";

/** For a document that is missing in a region which is known to lack some of what was seen. */
export function NotHereYet({ receipt }: { receipt: Receipt }) {
  return (
    <div className="max-w-lg space-y-3 pt-6">
      <h1 className="text-2xl font-semibold">Perhaps not here yet</h1>
      <p className="text-muted">
        The region that answered does not have this document, but it also lacks writes that you have
        seen. The document may be among them. Reload the page in a moment.
      </p>
      <ReceiptBadge receipt={receipt} />
    </div>
  );
}

import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { Notice } from "@/components/ui/notice";
import type { OrderFormState } from "./order-form-state";

/** What came of sending an order. */
export function OrderOutcome({ state }: { state: OrderFormState }) {
  switch (state.status) {
    case "idle":
      return null;
    case "placed":
      return (
        <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-sm">
          <span className="font-medium text-ok">
            {state.repeated ? "It was placed already: the same receipt." : "Ordered and paid."}
          </span>
          <ReceiptBadge receipt={state.receipt} />
        </div>
      );
    case "indeterminate":
      return (
        <Notice tone="warn" live title="Indeterminate">
          {state.message} Trying again with the same key settles it, and never makes it twice.
        </Notice>
      );
    case "refused":
      return (
        <Notice tone="warn" live>
          {state.message}
        </Notice>
      );
    default:
      return state satisfies never;
  }
}

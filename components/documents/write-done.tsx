import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import type { FormState } from "./form-state";

/** What was done and where it was written. */
export function WriteDone({ state }: { state: FormState }) {
  if (state.status !== "done") return null;
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-sm">
      <span className="font-medium text-ok">{state.message}</span>
      <ReceiptBadge receipt={state.receipt} />
      {state.detail ? <p className="basis-full text-warn">{state.detail}</p> : null}
    </div>
  );
}

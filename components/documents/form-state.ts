import type { Receipt } from "@/lib/db/read-your-writes";
import type { DocumentRow, RefusalCode } from "@/lib/documents/types";

/** What a form shows after it was sent; with and without JavaScript alike. */
export type FormState =
  | { status: "idle" }
  | { status: "done"; message: string; detail?: string; receipt: Receipt }
  | {
      status: "refused";
      code: RefusalCode;
      message: string;
      fields: Record<string, string>;
      /** What was typed: a form is empty again after it was sent. */
      values: Record<string, string>;
      /** On `conflict`: what the document is now. */
      current?: DocumentRow;
    };

export const IDLE: FormState = { status: "idle" };

export function fieldError(state: FormState, field: string): string | undefined {
  return state.status === "refused" ? state.fields[field] : undefined;
}

export function typed(state: FormState, field: string): string | undefined {
  return state.status === "refused" ? state.values[field] : undefined;
}

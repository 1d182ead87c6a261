import type { Receipt } from "@/lib/db/read-your-writes";
import type { RefusalCode } from "@/lib/documents/types";
import type { OrderStep } from "@/lib/ecommerce/order-types";

/** What an order's form shows after it was sent; with and without JavaScript alike. */
export type OrderFormState =
  | { status: "idle" }
  | { status: "placed"; repeated: boolean; receipt: Receipt }
  | { status: "indeterminate"; step: OrderStep; message: string }
  | { status: "refused"; code: RefusalCode; message: string };

export const NOT_ORDERED: OrderFormState = { status: "idle" };

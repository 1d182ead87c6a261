import { CURRENCY } from "@/lib/ecommerce/ledger-types";

const MONEY = new Intl.NumberFormat("en-GB", { style: "currency", currency: CURRENCY });

/** Cents as an amount of the ledger's currency. */
export function money(minor: number): string {
  // Not −0.00.
  return MONEY.format(minor / 100 || 0);
}

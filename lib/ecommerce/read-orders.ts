import { withReadYourWrites } from "@/lib/db/read-your-writes";
import type { Answer } from "@/lib/documents/read";
import type { Actor } from "@/lib/documents/types";
import { findBalance, listEntries, readTrialBalance } from "./ledger-statements";
import { buyerAccount, type AccountBalance, type TrialBalance } from "./ledger-types";
import { listOrders } from "./order-statements";
import type { OrderView } from "./order-types";

export interface OrdersPage {
  /** The reader's own, newest first. */
  orders: OrderView[];
  account: AccountBalance;
}

/** Of the leading region: a balance that is told has in it all that was acknowledged before. */
export async function readOrders(actor: Actor): Promise<Answer<OrdersPage>> {
  const { data, receipt } = await withReadYourWrites(
    actor.userId,
    async (db) => {
      const [orders, account] = await Promise.all([
        listOrders(db, actor.userId),
        findBalance(db, buyerAccount(actor.userId)),
      ]);
      const ids = orders.map(({ id }) => id);
      return { orders, account, entries: ids.length > 0 ? await listEntries(db, ids) : [] };
    },
    { vantage: actor.vantage, token: actor.token, level: "strong", of: "LedgerTransfer" },
  );
  const { orders, account, entries } = data;
  return {
    value: {
      orders: orders.map((order) => ({
        ...order,
        entries: entries
          .filter(({ orderId }) => orderId === order.id)
          .map(({ orderId: _, ...entry }) => entry),
      })),
      account,
    },
    receipt,
  };
}

/** All accounts. Who may see them is the caller's to check. */
export async function readLedger(actor: Actor): Promise<Answer<TrialBalance>> {
  const { data, receipt } = await withReadYourWrites(actor.userId, readTrialBalance, {
    vantage: actor.vantage,
    token: actor.token,
    level: "strong",
    of: "LedgerTransfer",
  });
  return { value: data, receipt };
}

import type { Metadata } from "next";
import { money } from "@/components/orders/money";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { Notice } from "@/components/ui/notice";
import { PageHeader } from "@/components/ui/page-header";
import { requireAdmin } from "@/lib/auth/session";
import { readLedger } from "@/lib/ecommerce/read-orders";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Ledger" };

const count = new Intl.NumberFormat("en");

export default async function LedgerPage() {
  const user = await requireAdmin();
  const { vantage, token } = await getRequestContext();
  const { value, receipt } = await readLedger({ userId: user.userId, vantage, token });
  const { accounts, accountCount, transfers, sumMinor, wrong } = value;
  const balanced = sumMinor === 0 && wrong === 0;
  return (
    <>
      <PageHeader title="Ledger">
        <p className="max-w-2xl text-sm text-pretty text-muted">
          The trial balance: every transfer is a debit of one account and a credit of another, so
          all balances together are zero.
        </p>
      </PageHeader>
      <div className="space-y-4">
        <ReceiptBadge receipt={receipt} />
        <Notice tone={balanced ? "ok" : "bad"} title={`The sum is ${money(sumMinor)}.`}>
          {count.format(transfers)} {transfers === 1 ? "transfer" : "transfers"} in{" "}
          {count.format(accountCount)} accounts.{" "}
          {wrong === 0
            ? "Each balance that is kept is the sum of its entries."
            : `${count.format(wrong)} balances that are kept are not the sum of their entries.`}
        </Notice>
        {accounts.length === 0 ? (
          <p className="text-sm text-muted">Nothing has been posted yet.</p>
        ) : (
          <div className="overflow-x-auto rounded-lg border border-line bg-surface px-4 py-2">
            <table className="w-full text-sm tabular-nums">
              <caption className="sr-only">Accounts, largest balances first</caption>
              <thead>
                <tr className="border-b border-line text-right text-xs text-muted">
                  <th scope="col" className="py-2 text-left font-normal">
                    Account
                  </th>
                  <th scope="col" className="py-2 pl-3 font-normal">
                    Debits
                  </th>
                  <th scope="col" className="py-2 pl-3 font-normal">
                    Credits
                  </th>
                  <th scope="col" className="py-2 pl-3 font-normal">
                    Balance
                  </th>
                </tr>
              </thead>
              <tbody className="divide-y divide-line">
                {accounts.map(({ account, debitsMinor, creditsMinor, balanceMinor }) => (
                  <tr key={account} className="text-right">
                    <th scope="row" className="max-w-48 truncate py-2 text-left font-normal">
                      {account}
                    </th>
                    <td className="py-2 pl-3">{money(debitsMinor)}</td>
                    <td className="py-2 pl-3">{money(creditsMinor)}</td>
                    <td className="py-2 pl-3">{money(balanceMinor)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {accountCount > accounts.length ? (
          <p className="text-xs text-muted">The {accounts.length} largest are listed.</p>
        ) : null}
      </div>
    </>
  );
}

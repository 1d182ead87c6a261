import { reservationsIn } from "@/scripts/drill/chaos/region-state";
import { repeated, type Checker } from "./run";

/**
 * What was written once is there once, however often it was sent, delivered or retried: elements, lines, transfers by
 * their keys; and each transfer counts once in the balances that are kept as transfers are applied.
 */
export const exactlyOnce: Checker = {
  name: "exactly-once",
  check({ states }) {
    return states.flatMap(({ region, elements, texts, transfers, inventory, balances }) => {
      const sold = reservationsIn({ inventory }).filter(({ status }) => status === "confirmed");
      const twice = [
        ...repeated(elements).map((element) => `element ${element}`),
        ...repeated(Object.values(texts).flat()).map((line) => `line ${line}`),
        ...repeated(transfers.map(({ key }) => key)).map((key) => `transfer ${key}`),
        ...repeated(sold.map(({ key }) => key)).map((key) => `sale ${key}`),
      ].map((what) => `${region} has ${what} more than once`);
      const sums = new Map<string, number>();
      const add = (account: string, amount: number) =>
        sums.set(account, (sums.get(account) ?? 0) + amount);
      for (const { debit, credit, amount } of transfers) {
        add(debit, amount);
        add(credit, -amount);
      }
      const accounts = new Set([...sums.keys(), ...Object.keys(balances)]);
      const wrong = [...accounts].filter(
        (account) => (sums.get(account) ?? 0) !== (balances[account] ?? 0),
      );
      return [
        ...twice,
        ...wrong.map(
          (account) =>
            `${region} keeps ${balances[account] ?? 0} as the balance of ${account}; ` +
            `its transfers come to ${sums.get(account) ?? 0}`,
        ),
      ];
    });
  },
};

import type { Checker } from "./run";

/** Whatever was transferred, all accounts together have what they had: nothing. */
export const bank: Checker = {
  name: "bank",
  check({ states }) {
    return states.flatMap(({ region, balances }) => {
      const sum = Object.values(balances).reduce((all, balance) => all + balance, 0);
      return sum === 0 ? [] : [`The accounts in ${region} come to ${sum}`];
    });
  },
};

import { systemSleep } from "@/lib/clock";
import { Ledger } from "@/lib/ecommerce/ledger";
import { openLoop } from "@/lib/open-loop";
import {
  CLIENT_WAIT_MS,
  detailOf,
  newName,
  pick,
  stampOf,
  type World,
} from "@/scripts/drill/chaos/world";

export const BANK_USER = "chaos-bank";

const EVERY_MS = 300;
const MAX_OPEN = 40;
const ATTEMPTS = 8;
const ATTEMPT_MS = CLIENT_WAIT_MS / 2;
const RETRY_MS = 200;
const ACCOUNTS = Array.from({ length: 10 }, (_, n) => `account-${n}`);

/** Transfers between a few accounts, each asked for again under its key, from another region, until it is settled. */
export function transfer(world: World): Promise<void> {
  const ledger = new Ledger(world.runtime);
  return openLoop(
    { everyMs: EVERY_MS, maxOpen: MAX_OPEN, start: (turn) => settle(world, ledger, turn) },
    world.signal,
  );
}

async function settle(
  { history, regions, random, signal }: World,
  ledger: Ledger,
  turn: number,
): Promise<void> {
  const debit = pick(ACCOUNTS, random);
  const credit = pick(
    ACCOUNTS.filter((account) => account !== debit),
    random,
  );
  const amount = 1 + Math.floor(random() * 1_000);
  const key = newName("transfer");
  const first = regions[turn % regions.length]!;
  const called = history.invoke("bank/transfer", first, { key, debit, credit, amount });
  let detail = "";
  for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt++) {
    const vantage = regions[(turn + attempt) % regions.length]!;
    try {
      const outcome = await ledger.post(
        vantage,
        {
          userId: BANK_USER,
          key,
          debitAccount: debit,
          creditAccount: credit,
          amountMinor: amount,
          orderId: null,
        },
        { waitMs: ATTEMPT_MS },
      );
      if (outcome.kind === "posted") return called.ok(stampOf(outcome.place.stamp));
      detail = outcome.kind;
    } catch (error) {
      detail = detailOf(error);
    }
    await systemSleep(RETRY_MS * 2 ** attempt, signal);
  }
  called.info(detail);
}

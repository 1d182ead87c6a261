import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { DrillRegion } from "./planet-runtime";

/** A transfer as the client made it: what it was told does not come from the ledger. */
export interface BookedTransfer {
  key: string;
  debit: string;
  credit: string;
  amountMinor: number;
  acknowledged: boolean;
}

export interface RegionBooks {
  transfers: number;
  /** Of all balances that are kept; has to be zero. */
  sumMinor: number;
  /** Keys that the region has more than once. */
  twice: number;
  /** Acknowledged transfers that it does not have, or not as they were acknowledged. */
  missing: number;
  /** Accounts whose balance is not the one that the client's own book says. */
  wrongAccounts: number;
}

export interface LedgerVerdict {
  converged: boolean;
  regions: Record<string, RegionBooks>;
}

interface StoredTransfer {
  key: string;
  debit: string;
  credit: string;
  amount: string;
}

/** Waits until all regions have the same, and compares each with the client's book. */
export async function judgeLedger(
  regions: readonly DrillRegion[],
  { userId, book, waitMs }: { userId: string; book: readonly BookedTransfer[]; waitMs: number },
): Promise<LedgerVerdict> {
  const deadlineMs = performance.now() + waitMs;
  let converged = false;
  while (!converged && performance.now() < deadlineMs) {
    const hashes = await Promise.all(regions.map(({ pool }) => hashOf(pool))).catch(() => []);
    converged = hashes.length > 0 && new Set(hashes).size === 1;
    if (!converged) await systemSleep(250);
  }
  const entries = await Promise.all(
    regions.map(async ({ id, pool }) => [id, await judgeRegion(pool, userId, book)] as const),
  );
  return { converged, regions: Object.fromEntries(entries) };
}

async function hashOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ hash: string }>(
    `SELECT md5(coalesce(string_agg(t::text, ' ' ORDER BY id), '')) AS hash FROM "LedgerTransfer" t`,
  );
  return rows[0]?.hash ?? "";
}

async function judgeRegion(
  pool: pg.Pool,
  userId: string,
  book: readonly BookedTransfer[],
): Promise<RegionBooks> {
  const stored = await pool.query<StoredTransfer>(
    `SELECT key, "debitAccount" AS debit, "creditAccount" AS credit, "amountMinor"::text AS amount
     FROM "LedgerTransfer" WHERE "userId" = $1`,
    [userId],
  );
  const kept = await pool.query<{ account: string; balance: string }>(
    `SELECT account, sum(debits - credits)::text AS balance FROM mr.ledger_balance GROUP BY account`,
  );
  const byKey = new Map<string, StoredTransfer[]>();
  for (const row of stored.rows) byKey.set(row.key, [...(byKey.get(row.key) ?? []), row]);
  const expected = new Map<string, number>();
  const add = (account: string, minor: number) =>
    expected.set(account, (expected.get(account) ?? 0) + minor);
  let missing = 0;
  for (const { key, debit, credit, amountMinor, acknowledged } of book) {
    const [row] = byKey.get(key) ?? [];
    const isThere =
      row?.debit === debit && row.credit === credit && Number(row.amount) === amountMinor;
    if (acknowledged && !isThere) missing += 1;
    // One whose end was not waited for counts if it is there.
    if (!acknowledged && !row) continue;
    add(debit, amountMinor);
    add(credit, -amountMinor);
  }
  const balances = new Map(kept.rows.map(({ account, balance }) => [account, Number(balance)]));
  const accounts = new Set([...balances.keys(), ...expected.keys()]);
  return {
    transfers: stored.rows.length,
    sumMinor: [...balances.values()].reduce((sum, balance) => sum + balance, 0),
    twice: stored.rows.length - byKey.size,
    missing,
    wrongAccounts: [...accounts].filter(
      (account) => (balances.get(account) ?? 0) !== (expected.get(account) ?? 0),
    ).length,
  };
}

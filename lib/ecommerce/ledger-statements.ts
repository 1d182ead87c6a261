import { RegionTimeoutError } from "@/lib/db/regions/faults";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import type {
  AccountBalance,
  LedgerEntry,
  Transfer,
  TransferContent,
  TrialBalance,
} from "./ledger-types";
import type { RowStamp } from "./types";

export type StoredTransfer = RowStamp & {
  key: string;
  userId: string;
  debitAccount: string;
  creditAccount: string;
  amountMinor: bigint;
  orderId: string | null;
  createdAt: Date;
  epoch: bigint;
  repeated: boolean;
};

export interface PostInput extends TransferContent {
  id: string;
  key: string;
  userId: string;
}

/** Another transaction has just made the row that this one's snapshot did not show: it is found now. */
export async function onceMore<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  const row = (await attempt()) ?? (await attempt());
  // To be tried again, as what was not answered.
  if (row === undefined) throw new RegionTimeoutError(0);
  return row;
}

/**
 * Makes the transfer of an id, or finds it, in one statement; the order that it is for is closed with it. What is
 * found from an earlier epoch becomes a version of this one: only so is it known to outlive what other leaders
 * may have left under the same key.
 */
export function postTransfer(db: PrismaClient, input: PostInput): Promise<StoredTransfer> {
  return onceMore(async () => {
    const rows = await db.$queryRaw<StoredTransfer[]>`
      WITH made AS (
        INSERT INTO "LedgerTransfer" ("id", "key", "userId", "debitAccount", "creditAccount", "amountMinor", "orderId")
        VALUES (${input.id}::text, ${input.key}::text, ${input.userId}::text, ${input.debitAccount}::text,
          ${input.creditAccount}::text, ${input.amountMinor}::bigint, ${input.orderId}::text)
        ON CONFLICT ("id") DO NOTHING
        RETURNING *
      ), vouched AS (
        UPDATE "LedgerTransfer" t SET "id" = t."id"
        WHERE t."id" = ${input.id}::text AND mr.epoch_of(t."vouched") < mr.leading()
        RETURNING t.*
      ), closed AS (
        UPDATE "Order" o SET "closedAt" = coalesce(o."closedAt", clock_timestamp())
        WHERE o."id" = ${input.orderId}::text
          AND (o."closedAt" IS NULL OR mr.epoch_of(o."vouched") < mr.leading())
      ), answer AS (
        SELECT m.*, false AS repeated FROM made m
        UNION ALL SELECT v.*, true FROM vouched v
        UNION ALL SELECT t.*, true FROM "LedgerTransfer" t
          WHERE t."id" = ${input.id}::text AND NOT EXISTS (SELECT FROM vouched)
      )
      SELECT "id", "key", "userId", "debitAccount", "creditAccount", "amountMinor", "orderId", "createdAt",
        "origin", "position", mr.epoch_of("vouched") AS epoch, repeated
      FROM answer LIMIT 1`;
    return rows[0];
  });
}

/** Null where there is no such transfer. */
export async function findTransfer(db: PrismaClient, id: string): Promise<StoredTransfer | null> {
  const rows = await db.$queryRaw<StoredTransfer[]>`
    SELECT "id", "key", "userId", "debitAccount", "creditAccount", "amountMinor", "orderId", "createdAt",
      "origin", "position", mr.epoch_of("vouched") AS epoch, true AS repeated
    FROM "LedgerTransfer" WHERE "id" = ${id}::text`;
  return rows[0] ?? null;
}

export async function listEntries(
  db: PrismaClient,
  orderIds: readonly string[],
): Promise<(LedgerEntry & { orderId: string })[]> {
  const rows = await db.$queryRaw<
    (Omit<LedgerEntry, "amountMinor"> & { orderId: string; amountMinor: bigint })[]
  >`
    SELECT id, transfer_id AS "transferId", order_id AS "orderId", account, side, amount_minor AS "amountMinor"
    FROM mr.ledger_entry WHERE order_id = ANY (${orderIds}::text[]) ORDER BY created_at, id DESC`;
  return rows.map((row) => ({ ...row, amountMinor: Number(row.amountMinor) }));
}

interface StoredBalance {
  account: string;
  debits: bigint;
  credits: bigint;
}

/** Of an account that nothing was posted to: zero. */
export async function findBalance(db: PrismaClient, account: string): Promise<AccountBalance> {
  const rows = await db.$queryRaw<StoredBalance[]>`
    SELECT ${account}::text AS account, coalesce(sum(debits), 0)::bigint AS debits,
      coalesce(sum(credits), 0)::bigint AS credits
    FROM mr.ledger_balance WHERE account = ${account}::text`;
  return toBalance(rows[0] ?? { account, debits: 0n, credits: 0n });
}

/** What is kept, set against what the entries say, in one statement and so of one snapshot. */
export async function readTrialBalance(db: PrismaClient): Promise<TrialBalance> {
  const rows = await db.$queryRaw<
    (StoredBalance & { accounts: number; transfers: number; sum: bigint; wrong: number })[]
  >`
    WITH kept AS (
      SELECT account, sum(debits)::bigint AS debits, sum(credits)::bigint AS credits
      FROM mr.ledger_balance GROUP BY account
    ), posted AS (
      SELECT account, sum(amount_minor)::bigint AS balance FROM mr.ledger_entry GROUP BY account
    ), totals AS (
      SELECT count(*)::integer AS accounts, coalesce(sum(k.debits - k.credits), 0)::bigint AS sum,
        (SELECT count(*)::integer FROM "LedgerTransfer" WHERE "deletedAt" IS NULL) AS transfers,
        (SELECT count(*)::integer FROM kept FULL JOIN posted USING (account)
         WHERE coalesce(kept.debits - kept.credits, 0) <> coalesce(posted.balance, 0)) AS wrong
      FROM kept k
    )
    SELECT k.*, t.* FROM totals t LEFT JOIN kept k ON true
    ORDER BY abs(k.debits - k.credits) DESC, k.account LIMIT 50`;
  const [first] = rows;
  return {
    accounts: rows.flatMap((row) => (row.account === null ? [] : [toBalance(row)])),
    accountCount: first?.accounts ?? 0,
    transfers: first?.transfers ?? 0,
    sumMinor: Number(first?.sum ?? 0n),
    wrong: first?.wrong ?? 0,
  };
}

function toBalance({ account, debits, credits }: StoredBalance): AccountBalance {
  return {
    account,
    debitsMinor: Number(debits),
    creditsMinor: Number(credits),
    balanceMinor: Number(debits - credits),
  };
}

export function toTransfer(row: StoredTransfer): Transfer {
  return {
    id: row.id,
    key: row.key,
    userId: row.userId,
    debitAccount: row.debitAccount,
    creditAccount: row.creditAccount,
    amountMinor: Number(row.amountMinor),
    orderId: row.orderId,
    createdAt: row.createdAt.toISOString(),
    epoch: Number(row.epoch),
  };
}

import type { WriteRefusal } from "@/lib/db/failover/leader-write";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Confirmation } from "@/lib/db/writes/confirm-write";
import type { PlacedWrite } from "@/lib/db/writes/place-write";
import type { RowStamp } from "./types";

/** Amounts are whole cents of one currency. */
export const CURRENCY = "EUR";

/** What one transfer may move, in cents. The table's own check says the same. */
export const MAX_AMOUNT_MINOR = 1_000_000_000_000;

/** Where what is sold is credited. */
export const SALES_ACCOUNT = "sales";

export function buyerAccount(userId: string): string {
  return `buyer:${userId}`;
}

/** What a transfer says. The same key with another content is refused. */
export interface TransferContent {
  debitAccount: string;
  creditAccount: string;
  amountMinor: number;
  /** That it pays for. */
  orderId: string | null;
}

export interface Transfer extends TransferContent {
  id: string;
  key: string;
  userId: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** Of the leader that vouches for it. */
  epoch: number;
}

/** One side of a transfer: debits are positive, credits negative. */
export interface LedgerEntry {
  id: string;
  transferId: string;
  account: string;
  side: "debit" | "credit";
  amountMinor: number;
}

export interface AccountBalance {
  account: string;
  debitsMinor: number;
  creditsMinor: number;
  /** Debits less credits. */
  balanceMinor: number;
}

/** All accounts as one region's ledger has them, from one snapshot. */
export interface TrialBalance {
  /** Largest first. */
  accounts: AccountBalance[];
  /** How many there are: no more than 50 are listed. */
  accountCount: number;
  transfers: number;
  /** Of all balances that are kept. Not zero: the ledger is broken. */
  sumMinor: number;
  /** Accounts whose balance that is kept is not the sum of their entries. */
  wrong: number;
}

/** Where and how durably an answer stands. */
export interface LedgerPlace {
  regionId: RegionId;
  reason: Extract<PlacedWrite<unknown>, { kind: "placed" }>["reason"];
  /** Spent on looking for a leader, in ms. */
  waitedMs: number;
  confirmation: Exclude<Confirmation, { kind: "indeterminate" }>;
  stamp: RowStamp;
}

export type PostOutcome =
  /** In the ledger of a majority. `repeated`: an earlier attempt had made it. */
  | { kind: "posted"; transfer: Transfer; repeated: boolean; place: LedgerPlace }
  /** The key names another transfer, which a majority has: `transfer`. Nothing was written. */
  | { kind: "key-reused"; transfer: Transfer; place: LedgerPlace }
  /** No leader took it: nothing was written. */
  | { kind: "unavailable"; reason: WriteRefusal; detail: string }
  /** It may be in the ledger, now or once a region is back. Asking again with the key settles it. */
  | { kind: "indeterminate"; detail: string };

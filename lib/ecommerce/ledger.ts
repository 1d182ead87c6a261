import { createHash } from "node:crypto";
import type { RegionId } from "@/lib/db/multi-region-config";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { writeRow } from "@/lib/db/writes/write-row";
import { postTransfer, toTransfer } from "./ledger-statements";
import { MAX_AMOUNT_MINOR, type PostOutcome, type TransferContent } from "./ledger-types";

export interface PostOptions {
  /** How long to look for a leader that takes it, in ms. */
  waitMs?: number;
  /** How long to wait for other regions to confirm it, in ms. */
  confirmMs?: number;
}

/** No user can make, or find out, another's: two attempts under one key meet in it, whichever leader takes them. */
export function transferId(userId: string, key: string): string {
  return createHash("sha256")
    .update(JSON.stringify(["transfer", userId, key]))
    .digest("base64url");
}

/**
 * An append-only double-entry ledger: written by the leading region, acknowledged once a majority of the
 * regions has it, each transfer once under its key. See docs/ORDERS.md.
 */
export class Ledger {
  constructor(private readonly runtime: () => Runtime = defaultRuntime) {}

  /**
   * Posts a transfer, or finds the one that was posted under this key. Asked again after `indeterminate` with the
   * same key, under whichever leader, it is made once.
   *
   * @param vantage from where the leader is reached
   * @throws RangeError for an amount that is not a whole number of cents from 1 to 10^12, or for one account twice
   */
  async post(
    vantage: RegionId,
    { userId, key, ...content }: TransferContent & { userId: string; key: string },
    options: PostOptions = {},
  ): Promise<PostOutcome> {
    const { amountMinor, debitAccount, creditAccount } = content;
    if (!Number.isInteger(amountMinor) || amountMinor < 1 || amountMinor > MAX_AMOUNT_MINOR) {
      throw new RangeError(`Not from 1 to ${MAX_AMOUNT_MINOR}: ${amountMinor}`);
    }
    if (debitAccount === creditAccount)
      throw new RangeError(`Debited and credited: ${debitAccount}`);
    const id = transferId(userId, key);
    const written = await writeRow(
      "LedgerTransfer",
      vantage,
      (db) => postTransfer(db, { id, key, userId, ...content }),
      { ...options, runtime: this.runtime },
    );
    if (written.kind === "refused") {
      return { kind: "unavailable", reason: written.reason, detail: written.detail };
    }
    if (written.kind === "indeterminate") return { kind: "indeterminate", detail: written.detail };
    const { value, regionId, reason, waitedMs, confirmation } = written;
    // Refusing is an answer about what is durable, too: what was found may still lose to another leader's.
    if (confirmation.kind === "indeterminate") {
      return { kind: "indeterminate", detail: confirmation.detail };
    }
    const transfer = toTransfer(value);
    const stamp = { id: value.id, origin: value.origin, position: value.position };
    const place = { regionId, reason, waitedMs, confirmation, stamp };
    return isSame(transfer, content)
      ? { kind: "posted", transfer, repeated: value.repeated, place }
      : { kind: "key-reused", transfer, place };
  }
}

export const ledger = new Ledger();

function isSame(a: TransferContent, b: TransferContent): boolean {
  return (
    a.debitAccount === b.debitAccount &&
    a.creditAccount === b.creditAccount &&
    a.amountMinor === b.amountMinor &&
    a.orderId === b.orderId
  );
}

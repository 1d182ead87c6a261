import { createHmac } from "node:crypto";
import { multiRegionDb } from "@/lib/db/multi-region-config";

/*
 * The row of an account is in every region, for signing in works everywhere. Of a person who is kept in some regions it
 * has a keyed digest in place of the address, by which the address can be found but not read, and a pseudonym.
 */

/** No address begins like this: it has no @. */
const KEPT = "kept:";

/**
 * The digest of an address; null where there is no key for it.
 *
 * @param address in lower case
 */
export function addressKeyOf(address: string): string | null {
  const secret = multiRegionDb.addressSecret();
  return secret && createHmac("sha256", secret).update(address).digest("base64url");
}

/** What stands in an account's row in place of an address. */
export const keptAddress = (addressKey: string) => `${KEPT}${addressKey}`;

/** Whether an account's row has a digest in place of the address. */
export const isKept = (email: string) => email.startsWith(KEPT);

/** What an account's row may have where somebody typed an address. */
export function storedForms(address: string): string[] {
  const key = addressKeyOf(address);
  return key === null ? [address] : [address, keptAddress(key)];
}

/**
 * Under which name somebody is known where their own must not be. The same wherever they are kept, so that a move
 * leaves it.
 */
export const pseudonymOf = (userId: string) => `Somebody ${userId.slice(0, 6)}`;

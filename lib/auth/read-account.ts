import { withReadYourWrites } from "@/lib/db/read-your-writes";
import type { Answer } from "@/lib/documents/read";
import type { Actor } from "@/lib/documents/types";
import { isKept } from "@/lib/residency/addresses";
import { readProfile } from "@/lib/residency/profiles";

export interface AccountView {
  /** What every region has: a pseudonym of somebody who is kept in some. */
  publicName: string;
  /** Whether no region has the name but those that have the profile. */
  kept: boolean;
  /** As the regions say that may know; null where none of them answered. */
  person: { name: string; email: string } | null;
}

/**
 * Null where the account has not arrived at any region within reach. `pending`: the region has received a version of it
 * that it could not store.
 */
export async function readAccount({
  userId,
  vantage,
  token,
}: Actor): Promise<Answer<AccountView | null> & { pending: boolean }> {
  const {
    data,
    receipt,
    pending = false,
  } = await withReadYourWrites(
    userId,
    (db) =>
      db.user.findFirst({
        where: { id: userId, deletedAt: null },
        select: { email: true, name: true, origin: true, position: true },
      }),
    { vantage, token, of: "User", cache: { entity: "User", id: userId, variant: "account" } },
  );
  if (!data) return { value: null, receipt, pending };
  const kept = isKept(data.email);
  const person = kept ? await readProfile(vantage, userId) : data;
  return {
    value: {
      publicName: data.name,
      kept,
      person: person && { name: person.name, email: person.email },
    },
    receipt,
    pending,
  };
}

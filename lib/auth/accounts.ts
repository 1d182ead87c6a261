import { randomUUID } from "node:crypto";
import { z } from "zod";
import { writeRow, type WriteRowOptions } from "@/lib/db/writes/write-row";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { getLogger } from "@/lib/log";
import { email, storable } from "@/lib/documents/validation";
import { decoyHash, hashPassword, verifyPassword } from "./password";
import { ROLES, type Role } from "./session-options";

const PASSWORD_MIN = 10;
/** Hashing cost grows with length; nobody types more than this. */
const PASSWORD_MAX = 200;

const password = z.string({ error: "The password must be text." });

export const signUpInput = z.object({
  name: storable(
    z
      .string({ error: "The name must be text." })
      .trim()
      .min(1, "Say what to call you.")
      .max(80, "A name is at most 80 characters long."),
    "The name",
  ),
  email,
  password: password
    .min(PASSWORD_MIN, `A password is at least ${PASSWORD_MIN} characters long.`)
    .max(PASSWORD_MAX, `A password is at most ${PASSWORD_MAX} characters long.`),
});
export const signInInput = z.object({
  email: storable(
    z.string().trim().toLowerCase().min(1, "Enter your e-mail address.").max(254),
    "The e-mail address",
  ),
  password: password.min(1, "Enter your password.").max(PASSWORD_MAX, "That is not your password."),
});

export interface Account {
  userId: string;
  email: string;
  name: string;
  role: Role;
}

export const ACCOUNT_REFUSALS = [
  "email-taken",
  "wrong-credentials",
  /** Nothing was written. */
  "unavailable",
  /** Whether there is an account now, or will still be one, is not known. */
  "indeterminate",
] as const;
export type AccountRefusal = (typeof ACCOUNT_REFUSALS)[number];

export type AccountResult<T> =
  ({ ok: true; account: Account } & T) | { ok: false; code: AccountRefusal; message: string };

const UNAVAILABLE = {
  ok: false,
  code: "unavailable",
  message: "The leading region can't be reached, and accounts are kept there. Try again shortly.",
} as const;
const LEADERLESS = {
  ok: false,
  code: "unavailable",
  message:
    "No region leads at the moment, and only a leader makes accounts. Nothing was saved; it goes on by itself, so try again shortly.",
} as const;
const INDETERMINATE = {
  ok: false,
  code: "indeterminate",
  message:
    "The leading region stopped answering. Whether the account was made is not known: try to sign in before you sign up again.",
} as const;
const UNCONFIRMED = {
  ok: false,
  code: "indeterminate",
  message:
    "The account was made, but no other region has confirmed it, so it could still be lost with the leading one. Try to sign in before you sign up again.",
} as const;
const EMAIL_TAKEN = {
  ok: false,
  code: "email-taken",
  message: "There is already an account with that e-mail address. Sign in instead.",
} as const;
const WRONG = {
  ok: false,
  code: "wrong-credentials",
  message: "That e-mail address and password don't belong together.",
} as const;

const CREATED = {
  id: true,
  email: true,
  name: true,
  role: true,
  origin: true,
  position: true,
} as const;

/**
 * Creates an account. Accounts are single-leader: written in the leading region, where the
 * address is unique.
 *
 * @returns the account and where the write is, for the session's token
 */
export async function createAccount(
  input: z.output<typeof signUpInput>,
  vantage: RegionId,
  options: Pick<WriteRowOptions, "durability" | "confirmMs" | "waitMs"> = {},
): Promise<AccountResult<{ write: { origin: string; position: bigint } }>> {
  const passwordHash = await hashPassword(input.password);
  const id = randomUUID();
  const data = { id, email: input.email, name: input.name, passwordHash };
  try {
    let repeated = false;
    const made = async (db: PrismaClient) => {
      // An attempt whose answer was lost may have made it already, or do so at this moment.
      const own = () => db.user.findUnique({ where: { id }, select: CREATED });
      const before = repeated ? await own() : null;
      const again = repeated;
      repeated = true;
      if (before) return before;
      return db.user.create({ data, select: CREATED }).catch(async (error: unknown) => {
        const row = again && isUniqueViolation(error) ? await own() : null;
        if (row) return row;
        throw error;
      });
    };
    const written = await writeRow("User", vantage, made, options);
    switch (written.kind) {
      case "refused":
        return written.reason === "unreachable" ? UNAVAILABLE : LEADERLESS;
      case "indeterminate":
        return INDETERMINATE;
      case "placed": {
        const { confirmation } = written;
        if (confirmation.kind === "indeterminate") {
          getLogger("accounts").warn({ confirmation }, "No quorum confirmed an account.");
          return UNCONFIRMED;
        }
        const { origin, position } = written.value;
        return { ok: true, account: toAccount(written.value), write: { origin, position } };
      }
      default:
        return written satisfies never;
    }
  } catch (error) {
    if (isUniqueViolation(error)) return EMAIL_TAKEN;
    getLogger("accounts").error({ err: error }, "An account could not be created.");
    return UNAVAILABLE;
  }
}

/**
 * Checks credentials in the nearest region, and in the leading one before refusing: the account
 * may be newer than what has reached this region. An unknown address costs the same hashing and
 * the same trips as a wrong password.
 */
export async function authenticate(
  input: z.output<typeof signInInput>,
  vantage: RegionId,
): Promise<AccountResult<unknown>> {
  const db = multiRegionDb.from(vantage);
  const near = await lookUp(() => db.getReadClient(vantage), input.email);
  const nearHash = near.row?.passwordHash ?? (await decoyHash());
  if ((await verifyPassword(input.password, nearHash)) && near.row) {
    return { ok: true, account: toAccount(near.row) };
  }
  const leading = await lookUp(() => db.getWriteClient(), input.email);
  if (leading.failed) return UNAVAILABLE;
  const leadingHash = leading.row?.passwordHash ?? (await decoyHash());
  // Both regions agree: hashing the same again would only take time, for known and unknown alike.
  if (leadingHash === nearHash) return WRONG;
  if ((await verifyPassword(input.password, leadingHash)) && leading.row) {
    return { ok: true, account: toAccount(leading.row) };
  }
  return WRONG;
}

async function lookUp(client: () => PrismaClient, address: string) {
  try {
    const row = await client().user.findFirst({
      where: { email: address, deletedAt: null },
      select: { id: true, email: true, name: true, role: true, passwordHash: true },
    });
    return { row, failed: false };
  } catch (error) {
    getLogger("accounts").warn({ err: error }, "A region did not answer during sign-in.");
    return { row: null, failed: true };
  }
}

function toAccount(row: { id: string; email: string; name: string; role: string }): Account {
  const role = ROLES.find((known) => known === row.role) ?? "user";
  return { userId: row.id, email: row.email, name: row.name, role };
}

function isUniqueViolation(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "P2002";
}

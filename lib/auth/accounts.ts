import { randomUUID } from "node:crypto";
import { z } from "zod";
import { placeWrite } from "@/lib/db/writes/place-write";
import { writeRow, type WriteRowOptions } from "@/lib/db/writes/write-row";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { MeridianError } from "@/lib/errors";
import { getLogger } from "@/lib/log";
import { email, residency, storable } from "@/lib/documents/validation";
import {
  addressKeyOf,
  isKept,
  keptAddress,
  pseudonymOf,
  storedForms,
} from "@/lib/residency/addresses";
import { placementBy, type PlacementRule } from "@/lib/residency/placements";
import { emptyProfile, keepProfile, readProfile, type PlacedStamp } from "@/lib/residency/profiles";
import { decoyHash, hashPassword, verifyPassword } from "./password";
import { roleNamed, type Role } from "./session-options";
import { forgiveAttempts, takeAttempt } from "./sign-in-quota";

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
  residency: residency.optional(),
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
  /** What others are told, and what is stored: see SessionUser. */
  publicName: string;
  role: Role;
  /** See SessionUser. */
  accountEpoch: number;
}

export const ACCOUNT_REFUSALS = [
  "email-taken",
  /** Not in that place, or not in some regions at all. */
  "not-kept-there",
  "wrong-credentials",
  /** Too many attempts with the address: the password was not looked at. */
  "limited",
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

/** Of a fault: an attempt may have been committed. */
const FAILED = { ...UNAVAILABLE } as const;
/** After any other refusal there may be an account, now or later. */
const NOTHING_MADE: readonly unknown[] = [EMAIL_TAKEN, UNAVAILABLE, LEADERLESS];
const NO_REGION = {
  ok: false,
  code: "unavailable",
  message:
    "No region that may have your name and address can be reached. No account was made; try again shortly.",
} as const;

/** Why no account can be kept in some regions where there is no ADDRESS_KEY. */
export const NO_ADDRESS_KEY =
  "In this installation every region has all accounts: it has no key for their addresses.";

const CREATED = {
  id: true,
  email: true,
  name: true,
  role: true,
  sessionEpoch: true,
  origin: true,
  position: true,
} as const;

interface NewUser {
  id: string;
  email: string;
  name: string;
  addressKey: string | null;
  passwordHash: string;
}

type CreateOptions = Pick<WriteRowOptions, "durability" | "confirmMs" | "waitMs">;
type Created = AccountResult<{ write: PlacedStamp }>;

/**
 * Creates an account. Accounts are single-leader: written in the leading region, where the
 * address is unique. Of one that is kept in some regions only a digest of the address and a pseudonym
 * are written there; who it is comes first, in a region that may know.
 *
 * @returns the account and where the write is, for the session's token; `kept` is the other write of
 *   one that is kept in some regions
 */
export async function createAccount(
  input: z.output<typeof signUpInput>,
  vantage: RegionId,
  options: CreateOptions = {},
): Promise<AccountResult<{ write: PlacedStamp; kept: PlacedStamp | null }>> {
  const rule = input.residency === undefined ? null : placementBy("User", input.residency);
  if (rule && "ok" in rule) return { ok: false, code: "not-kept-there", message: rule.message };
  const addressKey = addressKeyOf(input.email);
  if (rule && addressKey === null) {
    return { ok: false, code: "not-kept-there", message: NO_ADDRESS_KEY };
  }
  const passwordHash = await hashPassword(input.password);
  const user = { id: randomUUID(), email: input.email, name: input.name, addressKey, passwordHash };
  if (!rule || addressKey === null) {
    const created = await createUser(user, vantage, options);
    return created.ok ? { ...created, kept: null } : created;
  }
  return createKept(user, addressKey, rule, vantage, options);
}

async function createKept(
  user: NewUser,
  addressKey: string,
  rule: PlacementRule,
  vantage: RegionId,
  options: CreateOptions,
): Promise<AccountResult<{ write: PlacedStamp; kept: PlacedStamp }>> {
  const { id, email, name } = user;
  const there = { residents: rule.regions };
  const kept = await placeWrite(
    "Profile",
    vantage,
    (db) => keepProfile(db, { id, email, name }, rule),
    there,
  ).catch((error: unknown) => {
    getLogger("accounts").error({ err: error }, "A person could not be kept.");
    return null;
  });
  if (kept?.kind !== "placed") return NO_REGION;
  const publicName = pseudonymOf(id);
  const created = await createUser(
    { ...user, email: keptAddress(addressKey), name: publicName },
    vantage,
    options,
    email,
  );
  if (created.ok) {
    const account = { ...created.account, email, name, publicName };
    return { ok: true, account, write: created.write, kept: kept.value };
  }
  if (NOTHING_MADE.includes(created)) {
    await placeWrite("Profile", vantage, (db) => emptyProfile(db, id), there).catch(
      (error: unknown) => {
        getLogger("accounts").warn({ err: error, id }, "A person without account was left.");
      },
    );
  }
  return created;
}

/** @param plain an address that no account may have as it is, besides what is unique by itself */
async function createUser(
  user: NewUser,
  vantage: RegionId,
  options: CreateOptions,
  plain?: string,
): Promise<Created> {
  const { id } = user;
  try {
    let repeated = false;
    const made = async (db: PrismaClient) => {
      // An attempt whose answer was lost may have made it already, or do so at this moment.
      const own = () => db.user.findUnique({ where: { id }, select: CREATED });
      const before = repeated ? await own() : null;
      const again = repeated;
      repeated = true;
      if (before) return before;
      // One from before there was a key has no digest that would be in the way.
      if (plain !== undefined && (await db.user.count({ where: { email: plain } })) > 0) {
        throw new AddressTakenError();
      }
      return db.user.create({ data: user, select: CREATED }).catch(async (error: unknown) => {
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
        const account = accountOf(written.value);
        return { ok: true, account, write: { origin, position } };
      }
      default:
        return written satisfies never;
    }
  } catch (error) {
    if (error instanceof AddressTakenError || isUniqueViolation(error)) return EMAIL_TAKEN;
    getLogger("accounts").error({ err: error }, "An account could not be created.");
    return FAILED;
  }
}

class AddressTakenError extends MeridianError {
  constructor() {
    super("address-taken", "Another account has that address");
  }
}

/**
 * Checks credentials, unless too many were tried with the address: SIGN_IN_QUOTA. An address that has no account is
 * counted as any.
 */
export async function authenticate(
  input: z.output<typeof signInInput>,
  vantage: RegionId,
): Promise<AccountResult<unknown>> {
  const waitMs = await takeAttempt(vantage, input.email);
  if (waitMs > 0) return limited(waitMs);
  const result = await checkCredentials(input, vantage);
  if (result.ok) await forgiveAttempts(vantage, input.email);
  return result;
}

function limited(waitMs: number): AccountResult<never> {
  const seconds = Math.ceil(waitMs / 1000);
  const message = `Too many attempts with that address. Try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.`;
  return { ok: false, code: "limited", message };
}

/**
 * Looks in the nearest region, and in the leading one before refusing: the account may be newer than what
 * has reached this region. An unknown address costs the same hashing and the same trips as a wrong
 * password.
 */
async function checkCredentials(
  input: z.output<typeof signInInput>,
  vantage: RegionId,
): Promise<AccountResult<unknown>> {
  const db = multiRegionDb.from(vantage);
  const near = await lookUp(() => db.getReadClient(vantage), input.email);
  const nearHash = near.row?.passwordHash ?? (await decoyHash());
  if ((await verifyPassword(input.password, nearHash)) && near.row) {
    return { ok: true, account: await toAccount(near.row, input.email, vantage) };
  }
  const leading = await lookUp(() => db.getWriteClient(), input.email);
  if (leading.failed) return UNAVAILABLE;
  const leadingHash = leading.row?.passwordHash ?? (await decoyHash());
  // Both regions agree: hashing the same again would only take time, for known and unknown alike.
  if (leadingHash === nearHash) return WRONG;
  if ((await verifyPassword(input.password, leadingHash)) && leading.row) {
    return { ok: true, account: await toAccount(leading.row, input.email, vantage) };
  }
  return WRONG;
}

async function lookUp(client: () => PrismaClient, address: string) {
  try {
    const row = await client().user.findFirst({
      where: { email: { in: storedForms(address) }, deletedAt: null },
      select: {
        id: true,
        email: true,
        name: true,
        role: true,
        sessionEpoch: true,
        passwordHash: true,
      },
    });
    return { row, failed: false };
  } catch (error) {
    getLogger("accounts").warn({ err: error }, "A region did not answer during sign-in.");
    return { row: null, failed: true };
  }
}

interface FoundUser {
  id: string;
  email: string;
  name: string;
  role: string;
  sessionEpoch: number;
}

function accountOf({ id, email, name, role, sessionEpoch }: FoundUser): Account {
  const accountEpoch = sessionEpoch;
  return { userId: id, email, name, publicName: name, role: roleNamed(role), accountEpoch };
}

/** @param typed the address; where only its digest is known here, it is what that was made of */
async function toAccount(row: FoundUser, typed: string, vantage: RegionId): Promise<Account> {
  const account = accountOf(row);
  if (!isKept(row.email)) return account;
  // Nobody is kept out for the regions being down that know the name.
  const profile = await readProfile(vantage, row.id);
  return { ...account, email: typed, name: profile?.name ?? row.name };
}

function isUniqueViolation(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "P2002";
}

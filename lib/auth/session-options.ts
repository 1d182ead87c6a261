import type { SessionOptions } from "iron-session";

export const SESSION_COOKIE = "meridian_session";

export const SESSION_TTL_SECONDS = 7 * 24 * 3600;

export const ROLES = ["user", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** What is no role may do least. */
export function roleNamed(name: string): Role {
  return ROLES.find((known) => known === name) ?? "user";
}

/** What the sealed session cookie says. It needs no store, so it is valid in every region. */
export interface SessionUser {
  userId: string;
  email: string;
  name: string;
  /** What others are told and what is stored: a pseudonym of somebody who is kept in some regions. */
  publicName: string;
  role: Role;
  /** Names this sign-in; consistency tokens are bound to it. */
  sessionId: string;
  /** Sessions sealed under an older epoch than the deployment's are refused. */
  revocationEpoch: number;
  /** Of the account when the session began. One that its row says is later ends the session. */
  accountEpoch: number;
}

/**
 * The deployment's revocation epoch (`SESSION_EPOCH`, default 0). Raising it signs everyone out
 * without a lookup per request.
 */
export function currentRevocationEpoch(
  env: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const epoch = Number(env.SESSION_EPOCH ?? "0");
  return Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : 0;
}

/**
 * @param secret at least 32 characters (`AUTH_SECRET`)
 * @param secure whether the cookie is only sent over https; on plain http such a cookie is dropped
 */
export function sessionOptions(secret: string, secure: boolean): SessionOptions {
  return {
    cookieName: SESSION_COOKIE,
    password: secret,
    ttl: SESSION_TTL_SECONDS,
    cookieOptions: { httpOnly: true, sameSite: "lax", secure, path: "/" },
  };
}

/** The session in an unsealed cookie, or null if it is incomplete or of an older epoch. */
export function readSession(
  sealed: Partial<SessionUser>,
  epoch: number = currentRevocationEpoch(),
): SessionUser | null {
  const { userId, email, name, role, sessionId, revocationEpoch } = sealed;
  // Sessions from before there were such names.
  const publicName = sealed.publicName ?? name;
  if (!userId || !email || typeof name !== "string" || !sessionId) return null;
  // And from before sessions could be ended by their account.
  const accountEpoch = sealed.accountEpoch ?? 0;
  if (typeof publicName !== "string" || !Number.isSafeInteger(accountEpoch)) return null;
  if (!role || !ROLES.includes(role)) return null;
  if (typeof revocationEpoch !== "number" || revocationEpoch < epoch) return null;
  return { userId, email, name, publicName, role, sessionId, revocationEpoch, accountEpoch };
}

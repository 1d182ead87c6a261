import { randomUUID } from "node:crypto";
import { getIronSession } from "iron-session";
import { cookies, headers } from "next/headers";
import { forbidden, redirect, unauthorized } from "next/navigation";
import { cache } from "react";
import { getEnv } from "@/lib/env";
import { getVisitor } from "./visitor";
import {
  currentRevocationEpoch,
  readSession,
  sessionOptions,
  type SessionUser,
} from "./session-options";
import { forgetStanding, withStanding } from "./standing";

export type { SessionUser } from "./session-options";

/** Whether cookies of this request may be `Secure`: browsers drop such cookies on plain http. */
export async function isSecureRequest(): Promise<boolean> {
  if (getEnv().nodeEnv !== "production") return false;
  const protocol = (await headers()).get("x-forwarded-proto");
  return protocol?.split(",", 1)[0]?.trim() === "https";
}

async function openSession() {
  const options = sessionOptions(getEnv().authSecret, await isSecureRequest());
  return getIronSession<Partial<SessionUser>>(await cookies(), options);
}

/**
 * Who is signed in, with the role that the account has now, or null. A cookie that can't be opened is nobody, nor is one
 * whose account has ended its sessions.
 */
export const getSessionUser = cache(async (): Promise<SessionUser | null> => {
  const user = readSession(await openSession());
  return user && withStanding(user, (await getVisitor()).vantage);
});

/** Begins a session; only in actions and route handlers, which can set cookies. */
export async function startSession(
  account: Pick<SessionUser, "userId" | "email" | "name" | "publicName" | "role" | "accountEpoch">,
): Promise<SessionUser> {
  const session = await openSession();
  const user: SessionUser = {
    userId: account.userId,
    email: account.email,
    name: account.name,
    publicName: account.publicName,
    role: account.role,
    sessionId: randomUUID(),
    revocationEpoch: currentRevocationEpoch(),
    accountEpoch: account.accountEpoch,
  };
  Object.assign(session, user);
  await session.save();
  return user;
}

/** From now on the session's user is called this by others. Another session of theirs learns it at its sign-in. */
export async function renameInPublic(publicName: string): Promise<void> {
  const session = await openSession();
  session.publicName = publicName;
  await session.save();
}

/** The session goes on although its account has ended all that began before. */
export async function keepSession(userId: string, accountEpoch: number): Promise<void> {
  const session = await openSession();
  session.accountEpoch = accountEpoch;
  await session.save();
  forgetStanding(userId);
}

export async function endSession(): Promise<void> {
  (await openSession()).destroy();
}

/** For pages: the signed-in user, or a redirect to sign-in that comes back to `returnTo`. */
export async function requireUser(returnTo?: string): Promise<SessionUser> {
  const user = await getSessionUser();
  if (user) return user;
  redirect(returnTo ? `/sign-in?next=${encodeURIComponent(returnTo)}` : "/sign-in");
}

/**
 * For pages: the signed-in administrator. Anybody else gets 401 with the sign-in form, or 403.
 */
export async function requireAdmin(): Promise<SessionUser> {
  const user = await getSessionUser();
  if (!user) unauthorized();
  if (user.role !== "admin") forbidden();
  return user;
}

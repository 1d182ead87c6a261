import { randomUUID } from "node:crypto";
import { getIronSession } from "iron-session";
import { cookies, headers } from "next/headers";
import { forbidden, redirect, unauthorized } from "next/navigation";
import { cache } from "react";
import { getEnv } from "@/lib/env";
import {
  currentRevocationEpoch,
  readSession,
  sessionOptions,
  type SessionUser,
} from "./session-options";

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

/** Who is signed in, or null. A cookie that can't be opened is nobody. */
export const getSessionUser = cache(async (): Promise<SessionUser | null> => {
  return readSession(await openSession());
});

/** Begins a session; only in actions and route handlers, which can set cookies. */
export async function startSession(
  account: Pick<SessionUser, "userId" | "email" | "name" | "publicName" | "role">,
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
 * For pages: the signed-in administrator. Anybody else gets 401 with the sign-in form, or 403. The role
 * is the session's, sealed at sign-in.
 */
export async function requireAdmin(): Promise<SessionUser> {
  const user = await getSessionUser();
  if (!user) unauthorized();
  if (user.role !== "admin") forbidden();
  return user;
}

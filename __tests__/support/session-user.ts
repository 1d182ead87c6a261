import type { SessionUser } from "@/lib/auth/session-options";

/** Somebody who is signed in. */
export const sessionUser = (changes: Partial<SessionUser> = {}): SessionUser => ({
  userId: "u-1",
  email: "ada@example.com",
  name: "Ada",
  publicName: "Ada",
  role: "user",
  sessionId: "s",
  revocationEpoch: 0,
  accountEpoch: 0,
  ...changes,
});

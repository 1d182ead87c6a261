import { requireUser, type SessionUser } from "@/lib/auth/session";
import { getRequestContext, keepToken } from "@/lib/request-context";
import {
  refused,
  type Actor,
  type Refused,
  type WriteOutcome,
  type Written,
} from "@/lib/documents/types";
import type { Checked } from "@/lib/documents/validation";

/** For pages: who reads, or a redirect to sign-in that comes back to `returnTo`. */
export async function requireActor(returnTo: string): Promise<Actor> {
  const user = await requireUser(returnTo);
  const { vantage, token } = await getRequestContext();
  return { userId: user.userId, vantage, token };
}

/** Who acts, and the session by which they do. */
export interface SignedInActor extends Actor {
  user: SessionUser;
}

/** For actions: who acts, as the session says. */
export async function currentActor(): Promise<SignedInActor | Refused> {
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refused("unauthenticated", "Your session has ended. Sign in again.");
  return { userId: user.userId, vantage, token, user };
}

/** For actions: makes a write as whoever is signed in, and keeps what the session must see from then on. */
export async function act<I, T>(
  input: Checked<I>,
  operation: (actor: Actor, input: I) => Promise<WriteOutcome<T>>,
): Promise<Omit<Written<T>, "open"> | Refused> {
  const actor = await currentActor();
  if ("ok" in actor) return actor;
  if (!input.ok) return input;
  const outcome = await operation(actor, input.value);
  if (!outcome.ok) return outcome;
  const { open, ...done } = outcome;
  await keepToken(open, actor.user);
  return done;
}

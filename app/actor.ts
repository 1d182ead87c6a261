import { requireUser } from "@/lib/auth/session";
import { getRequestContext } from "@/lib/request-context";
import type { Actor } from "@/lib/documents/types";

/** For pages: who reads, or a redirect to sign-in that comes back to `returnTo`. */
export async function requireActor(returnTo: string): Promise<Actor> {
  const user = await requireUser(returnTo);
  const { vantage, token } = await getRequestContext();
  return { userId: user.userId, vantage, token };
}

import { notFound } from "next/navigation";
import type { ConflictReader } from "@/lib/conflicts/types";
import { requireUser } from "@/lib/auth/session";
import { getRequestContext } from "@/lib/request-context";

/** For pages: who looks at conflicts, or a redirect to sign-in that comes back to `returnTo`. */
export async function requireReader(returnTo: string): Promise<ConflictReader> {
  const user = await requireUser(returnTo);
  const { vantage, token } = await getRequestContext();
  return { userId: user.userId, admin: user.role === "admin", vantage, token };
}

/** For handlers: null without a session. */
export async function findReader(): Promise<ConflictReader | null> {
  const { user, vantage, token } = await getRequestContext();
  return user && { userId: user.userId, admin: user.role === "admin", vantage, token };
}

/** The id in a page's path; what can't be one is a page that does not exist. */
export function parseConflictId(segment: string): string {
  return findConflictId(segment) ?? notFound();
}

export function findConflictId(segment: string): string | null {
  try {
    const id = decodeURIComponent(segment);
    return id.length <= 200 && !id.includes("\0") && id.isWellFormed() ? id : null;
  } catch {
    return null;
  }
}

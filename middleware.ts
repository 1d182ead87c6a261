import { unsealData } from "iron-session";
import { NextResponse, type NextRequest } from "next/server";
import {
  readSession,
  SESSION_COOKIE,
  SESSION_TTL_SECONDS,
  type SessionUser,
} from "@/lib/auth/session-options";
import { getEnv } from "@/lib/env";

/**
 * Spares a signed-out visitor a rendering. It protects nothing: every page, action and handler
 * checks for itself.
 */
export async function middleware(request: NextRequest): Promise<NextResponse> {
  // A form that was sent is answered by its action, which can say that the session has ended.
  if (request.method !== "GET" && request.method !== "HEAD") return NextResponse.next();
  const { pathname, search } = request.nextUrl;
  const sealed = request.cookies.get(SESSION_COOKIE)?.value;
  const user = sealed ? await openSession(sealed) : null;
  if (!user) {
    const target = new URL("/sign-in", request.url);
    target.searchParams.set("next", pathname + search);
    return NextResponse.redirect(target);
  }
  return NextResponse.next();
}

/** Null for a cookie that is not ours, of another secret or expired. */
async function openSession(sealed: string): Promise<SessionUser | null> {
  const password = getEnv().authSecret;
  return readSession(
    await unsealData<Partial<SessionUser>>(sealed, { password, ttl: SESSION_TTL_SECONDS }),
  );
}

export const config = {
  matcher: ["/documents/:path*", "/admin/:path*", "/conflicts/:path*"],
  runtime: "nodejs",
};

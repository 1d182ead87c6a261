import { randomBytes } from "node:crypto";
import { unsealData } from "iron-session";
import { NextResponse, type NextRequest } from "next/server";
import {
  readSession,
  SESSION_COOKIE,
  SESSION_TTL_SECONDS,
  type SessionUser,
} from "@/lib/auth/session-options";
import { pagePolicy } from "@/lib/content-security-policy";
import { getEnv } from "@/lib/env";

/** Of somebody who is signed in. Not /admin: its pages answer 401 and 403. */
const PRIVATE = [
  "/account",
  "/documents",
  "/conflicts",
  "/inventory",
  "/orders",
  "/residency",
  "/content/manage",
];

/** Gives a page its content security policy, and sends a stranger to sign in first. */
export async function middleware(request: NextRequest): Promise<NextResponse> {
  return (await toSignIn(request)) ?? withPolicy(request);
}

/** Next.js finds the nonce in the request's header and puts it on every script that it writes. */
function withPolicy(request: NextRequest): NextResponse {
  const nonce = randomBytes(18).toString("base64");
  const policy = pagePolicy(nonce, getEnv().nodeEnv === "development");
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return response;
}

/**
 * Spares a signed-out visitor a rendering. It protects nothing: every page, action and handler
 * checks for itself.
 */
async function toSignIn(request: NextRequest): Promise<NextResponse | null> {
  // A form that was sent is answered by its action, which can say that the session has ended.
  if (request.method !== "GET" && request.method !== "HEAD") return null;
  const { pathname, search } = request.nextUrl;
  if (!PRIVATE.some((path) => pathname === path || pathname.startsWith(`${path}/`))) return null;
  const sealed = request.cookies.get(SESSION_COOKIE)?.value;
  if (sealed && (await openSession(sealed))) return null;
  const target = new URL("/sign-in", request.url);
  target.searchParams.set("next", pathname + search);
  return NextResponse.redirect(target);
}

/** Null for a cookie that is not ours, of another secret or expired. */
async function openSession(sealed: string): Promise<SessionUser | null> {
  const password = getEnv().authSecret;
  return readSession(
    await unsealData<Partial<SessionUser>>(sealed, { password, ttl: SESSION_TTL_SECONDS }),
  );
}

export const config = {
  // Pages: what is under /api and /_next has a policy without a nonce, and an icon needs none.
  matcher: ["/((?!api/|_next/|icon\\.svg$).*)"],
  runtime: "nodejs",
};

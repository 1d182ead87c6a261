import { cookies } from "next/headers";
import { cache } from "react";
import { z } from "zod";
import { getSessionUser, isSecureRequest, type SessionUser } from "@/lib/auth/session";
import { readYourWrites, type Receipt, type SessionToken } from "@/lib/db/read-your-writes";
import type { Positions } from "@/lib/db/sessions/positions";
import { LEVEL_NAMES, ROUTE_REASONS } from "@/lib/db/sessions/receipt";
import { TOKEN_LIFETIME_MS } from "@/lib/db/sessions/token";
import { getEnv } from "@/lib/env";
import { getVisitor, VIEW_COOKIE, type Visitor } from "@/lib/auth/visitor";
import { findVisitorPlace } from "@/lib/visitor-places";

export const TOKEN_COOKIE = "meridian_token";
const FLASH_COOKIE = "meridian_receipt";

/** Long enough to follow a redirect; a reload soon after shows the receipt once more. */
const FLASH_SECONDS = 15;

export interface RequestContext extends Visitor {
  user: SessionUser | null;
  /** What the session's token says, believed or not. */
  token: SessionToken;
}

/** Who asks, from where, and what their session has seen. One per request. */
export const getRequestContext = cache(async (): Promise<RequestContext> => {
  const jar = await cookies();
  const [user, visitor] = await Promise.all([getSessionUser(), getVisitor()]);
  return {
    ...visitor,
    user,
    token: user ? readYourWrites.parseToken(user, jar.get(TOKEN_COOKIE)?.value) : { kind: "none" },
  };
});

async function cookieOptions(maxAge: number) {
  return {
    httpOnly: true,
    sameSite: "lax" as const,
    secure: await isSecureRequest(),
    path: "/",
    maxAge,
  };
}

/**
 * Puts what the session must see from now on into its cookie; only in actions and handlers. If it
 * does not fit, the cookie stays as it is and the mirror alone knows the rest.
 *
 * @param user whose session it is. Asked for again here, the session's cookie would be opened again: nothing remembers
 *   it in actions and handlers
 */
export async function keepToken(open: Positions, user: SessionUser): Promise<void> {
  const jar = await cookies();
  if (open.size === 0) {
    jar.delete(TOKEN_COOKIE);
    return;
  }
  const text = readYourWrites.issueToken(user, open);
  if (text) jar.set(TOKEN_COOKIE, text, await cookieOptions(TOKEN_LIFETIME_MS / 1000));
}

/** Forgets the token and a shown receipt; they were the session's. */
export async function dropToken(): Promise<void> {
  const jar = await cookies();
  jar.delete(TOKEN_COOKIE);
  jar.delete(FLASH_COOKIE);
}

/** Moves the visitor; on the local planet only. */
export async function chooseView(placeId: string): Promise<boolean> {
  const place = getEnv().localPlanet ? findVisitorPlace(placeId) : undefined;
  if (!place) return false;
  (await cookies()).set(VIEW_COOKIE, place.id, await cookieOptions(30 * 24 * 3600));
  return true;
}

const flashSchema = z.object({
  path: z.string(),
  message: z.string(),
  receipt: z.object({
    kind: z.literal("write"),
    level: z.enum(LEVEL_NAMES),
    regionId: z.string(),
    vantage: z.string(),
    elapsedMs: z.number(),
    waitedMs: z.number(),
    redirected: z.boolean(),
    reason: z.enum(ROUTE_REASONS),
    required: z.record(z.string(), z.string()),
    applied: z.record(z.string(), z.string()),
    stale: z.boolean(),
    sessionComplete: z.boolean(),
    epoch: z.number(),
    leader: z.string(),
  }),
});

export interface Flash {
  /** The page that it is for. */
  path: string;
  /** What was done, in a word or two. */
  message: string;
  receipt: Receipt;
}

/** Hands what was done, and its receipt, to the page that the visitor is sent to next. */
export async function flashReceipt(flash: Flash): Promise<void> {
  const value = JSON.stringify(flash);
  (await cookies()).set(FLASH_COOKIE, value, await cookieOptions(FLASH_SECONDS));
}

/** What was handed to this page, if anything was. It is shown, never relied upon. */
export async function readFlash(path: string): Promise<Flash | null> {
  const value = (await cookies()).get(FLASH_COOKIE)?.value;
  if (!value) return null;
  try {
    const flash = flashSchema.parse(JSON.parse(value));
    return flash.path === path ? flash : null;
  } catch {
    return null;
  }
}

import { createHash, timingSafeEqual } from "node:crypto";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Whether the request carries this secret. Nobody has one that is not set; a wrong one takes as long as the right one. */
export function carries(request: Request, secret: string | null): boolean {
  const given = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  return secret !== null && given !== undefined && timingSafeEqual(digest(given), digest(secret));
}

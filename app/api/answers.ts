/** JSON that no cache keeps. */
export function answer(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

export const UNAUTHENTICATED = { code: "unauthenticated", message: "Sign in first." };
export const FOR_ADMINISTRATORS = { code: "forbidden", message: "This is for administrators." };
export const FOREIGN = { code: "forbidden", message: "Only a page of this site may do this." };
export const NOT_FOUND = {
  code: "not-found",
  message: "There is no such conflict, or it is not yours to see.",
};

/**
 * Whether a page of this site sent the request. Browsers say so themselves and scripts can't change
 * it; a request that says nothing is not believed.
 */
export function isSameOrigin(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin") return false;
  const origin = request.headers.get("origin");
  if (origin === null) return site === "same-origin";
  const host = request.headers.get("x-forwarded-host") ?? request.headers.get("host");
  return URL.canParse(origin) && new URL(origin).host === host?.split(",", 1)[0]?.trim();
}

import type { GameRefusalCode, GameRefused } from "@/lib/gaming/board-shape";

/* What the routes of the board and of the game have in common. */

const STATUS: Record<GameRefusalCode, number> = {
  unauthenticated: 401,
  forbidden: 403,
  invalid: 400,
  "not-found": 404,
  expired: 409,
  limited: 429,
  unavailable: 503,
};

export const SIGNED_OUT: GameRefused = {
  code: "unauthenticated",
  message: "Sign in to play.",
};
export const FOREIGN_SITE: GameRefused = {
  code: "forbidden",
  message: "Only a page of this site may do this.",
};

export function refuse({ code, message, retryAfterS }: GameRefused): Response {
  const headers = new Headers({ "cache-control": "no-store" });
  if (retryAfterS !== undefined) headers.set("retry-after", String(retryAfterS));
  const body = { code, message, retryAfterS } satisfies GameRefused;
  return Response.json(body, { status: STATUS[code], headers });
}

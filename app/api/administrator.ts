import {
  answer,
  FOR_ADMINISTRATORS,
  FOREIGN,
  isSameOrigin,
  UNAUTHENTICATED,
} from "@/app/api/answers";
import type { SessionUser } from "@/lib/auth/session";

/** Who asks, or the answer to anybody but an administrator. */
export function onlyAdministrator(user: SessionUser | null): SessionUser | Response {
  if (!user) return answer(UNAUTHENTICATED, 401);
  return user.role === "admin" ? user : answer(FOR_ADMINISTRATORS, 403);
}

/** Whoever may ask, and for a request that changes something: it has to come from a page of this site. */
export function onlyFromHere<T>(request: Request, operator: T | Response): T | Response {
  if (operator instanceof Response || isSameOrigin(request)) return operator;
  return answer(FOREIGN, 403);
}

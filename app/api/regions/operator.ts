import { answer, isSameOrigin, UNAUTHENTICATED } from "@/app/api/conflicts/answers";
import type { SessionUser } from "@/lib/auth/session";
import { failoverManager, type FailoverManager } from "@/lib/db/failover-manager";
import { getRequestContext } from "@/lib/request-context";

export interface Operator {
  user: SessionUser;
  /** Of where the administrator is. */
  manager: FailoverManager;
}

const FORBIDDEN = { code: "forbidden", message: "This is for administrators." };

/** The administrator who asks, or the answer to anybody else. */
export async function findOperator(): Promise<Operator | Response> {
  const { user, vantage } = await getRequestContext();
  if (!user) return answer(UNAUTHENTICATED, 401);
  if (user.role !== "admin") return answer(FORBIDDEN, 403);
  return { user, manager: failoverManager.from(vantage) };
}

/** The same for a request that changes something: it has to come from a page of this site. */
export async function findChangingOperator(request: Request): Promise<Operator | Response> {
  const operator = await findOperator();
  if (operator instanceof Response || isSameOrigin(request)) return operator;
  return answer({ code: "forbidden", message: "Only a page of this site may do this." }, 403);
}

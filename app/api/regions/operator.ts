import { onlyAdministrator, onlyFromHere } from "@/app/api/administrator";
import type { SessionUser } from "@/lib/auth/session";
import { failoverManager, type FailoverManager } from "@/lib/db/failover-manager";
import type { RegionId } from "@/lib/db/regions/region-id";
import { getRequestContext } from "@/lib/request-context";

export interface Operator {
  user: SessionUser;
  /** Where the administrator is. */
  vantage: RegionId;
  /** Of where the administrator is. */
  manager: FailoverManager;
}

/** The administrator who asks, or the answer to anybody else. */
export async function findOperator(): Promise<Operator | Response> {
  const { user: asks, vantage } = await getRequestContext();
  const user = onlyAdministrator(asks);
  return user instanceof Response
    ? user
    : { user, vantage, manager: failoverManager.from(vantage) };
}

/** The same for a request that changes something. */
export async function findChangingOperator(request: Request): Promise<Operator | Response> {
  return onlyFromHere(request, await findOperator());
}

import { answer } from "@/app/api/answers";
import { findChangingOperator } from "@/app/api/regions/operator";
import { failoverRequest, parseBody } from "@/app/api/regions/requests";
import { forgetFailoverHistory } from "@/lib/failover-history";
import { toFailoverRecord } from "@/lib/failover-records";
import type { FailoverRefusal } from "@/lib/failover-shape";

export const dynamic = "force-dynamic";

const STATUS: Record<FailoverRefusal, number> = {
  "unknown-region": 400,
  "already-leader": 400,
  unhealthy: 400,
  "too-far-behind": 400,
  "leader-changed": 409,
  running: 409,
  "no-majority": 503,
};

/**
 * Body: `{ toRegion, reason, kind?, confirm }`, `confirm` being the region's id as a person typed it. 202 with
 * the attempt, which the region's worker carries out; `GET /api/regions/failovers` tells how it goes. A refusal
 * has its reason in `reason`.
 */
export async function POST(request: Request): Promise<Response> {
  const operator = await findChangingOperator(request);
  if (operator instanceof Response) return operator;
  const body = await parseBody(request, failoverRequest);
  if (body instanceof Response) return body;
  const { toRegion, reason, kind } = body.data;
  const by = operator.user.userId;
  const outcome = await operator.manager.triggerManualFailover(toRegion, reason, { kind, by });
  forgetFailoverHistory();
  if (outcome.kind === "requested") {
    return answer({ attempt: toFailoverRecord(outcome.attempt, true) }, 202);
  }
  const { reason: refusal, message } = outcome;
  return answer({ code: "refused", reason: refusal, message }, STATUS[refusal]);
}

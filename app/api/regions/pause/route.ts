import { answer } from "@/app/api/answers";
import { findChangingOperator } from "@/app/api/regions/operator";
import { parseBody, pauseRequest } from "@/app/api/regions/requests";

export const dynamic = "force-dynamic";

/**
 * Body: `{ paused, reason, confirm }`, `confirm` being `pause` or `resume`. While paused, nobody is promoted
 * but on request. 200 with who was told and who was missed; 503 where nobody was.
 */
export async function POST(request: Request): Promise<Response> {
  const operator = await findChangingOperator(request);
  if (operator instanceof Response) return operator;
  const body = await parseBody(request, pauseRequest);
  if (body instanceof Response) return body;
  const { paused, reason } = body.data;
  const result = await operator.manager.setPaused(paused, reason, operator.user.userId);
  if (result.told.length > 0) return answer(result);
  return answer({ code: "unavailable", message: "No region took it. Try again.", ...result }, 503);
}

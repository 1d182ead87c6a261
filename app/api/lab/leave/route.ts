import { z } from "zod";
import { answer } from "@/app/api/answers";
import { findChangingLabOperator } from "@/app/api/lab/operator";
import { parseBody } from "@/app/api/regions/requests";

export const dynamic = "force-dynamic";

const leaveRequest = z.object({ page: z.string().min(1).max(64) }).strict();

/** Sent by a page as it goes away. The last page's resets the lab. */
export async function POST(request: Request): Promise<Response> {
  const operator = await findChangingLabOperator(request);
  if (operator instanceof Response) return operator;
  const body = await parseBody(request, leaveRequest);
  if (body instanceof Response) return body;
  await operator.lab.leave(body.data.page, operator.user.userId);
  return answer({ ok: true });
}

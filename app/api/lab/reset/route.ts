import { answer } from "@/app/api/answers";
import { findChangingLabOperator } from "@/app/api/lab/operator";

export const dynamic = "force-dynamic";

export async function POST(request: Request): Promise<Response> {
  const operator = await findChangingLabOperator(request);
  if (operator instanceof Response) return operator;
  await operator.lab.reset("on request", operator.user.userId);
  return answer({ ok: true });
}

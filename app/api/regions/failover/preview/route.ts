import { answer } from "@/app/api/answers";
import { findOperator } from "@/app/api/regions/operator";

export const dynamic = "force-dynamic";

/** `?to=`: what it would cost to let that region lead, or each. For administrators. */
export async function GET(request: Request): Promise<Response> {
  const operator = await findOperator();
  if (operator instanceof Response) return operator;
  const to = new URL(request.url).searchParams.get("to") ?? undefined;
  const preview = await operator.manager.previewFailover(to);
  if (to !== undefined && preview.candidates.length === 0) {
    const message = "There is no such region.";
    return answer({ code: "refused", reason: "unknown-region", message }, 400);
  }
  return answer(preview);
}

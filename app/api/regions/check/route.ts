import { answer } from "@/app/api/answers";
import { findChangingOperator, findOperator } from "@/app/api/regions/operator";
import { readNewestCheck, requestCheck } from "@/lib/repair-check";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

const UNAVAILABLE = { code: "unavailable", message: "The region does not answer. Try again." };

/** The newest comparison of all regions that was asked for here, or null. For administrators. */
export async function GET(): Promise<Response> {
  const operator = await findOperator();
  if (operator instanceof Response) return operator;
  const { vantage } = await getRequestContext();
  const newest = await readNewestCheck(vantage);
  return newest.kind === "answer" ? answer({ check: newest.value }) : answer(UNAVAILABLE, 503);
}

/** Has all regions compared; 202 with the id of the comparison that is under way then. */
export async function POST(request: Request): Promise<Response> {
  const operator = await findChangingOperator(request);
  if (operator instanceof Response) return operator;
  const { vantage } = await getRequestContext();
  const asked = await requestCheck(vantage, operator.user.userId);
  return asked.kind === "answer" ? answer({ id: asked.value }, 202) : answer(UNAVAILABLE, 503);
}

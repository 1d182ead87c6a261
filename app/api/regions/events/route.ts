import { answer } from "@/app/api/answers";
import { findOperator } from "@/app/api/regions/operator";
import { gatherEvents } from "@/lib/events/gather";

export const dynamic = "force-dynamic";

/** What began and ended lately, newest first. For administrators. */
export async function GET(): Promise<Response> {
  const operator = await findOperator();
  if (operator instanceof Response) return operator;
  return answer(await gatherEvents(operator.vantage));
}

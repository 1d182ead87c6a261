import { answer } from "@/app/api/answers";
import { findOperator } from "@/app/api/regions/operator";
import { gatherAlarms } from "@/lib/alarms/gather";

export const dynamic = "force-dynamic";

/** What is out of order, with its cause and what to do. For administrators: it quotes queries. */
export async function GET(): Promise<Response> {
  const operator = await findOperator();
  if (operator instanceof Response) return operator;
  return answer(await gatherAlarms(operator.vantage));
}

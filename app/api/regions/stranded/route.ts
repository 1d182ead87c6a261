import { answer } from "@/app/api/answers";
import { findOperator } from "@/app/api/regions/operator";

export const dynamic = "force-dynamic";

/**
 * What former leaders wrote that the next one had not, and what became of it once they were back, newest
 * first. `missing`: regions that did not answer. For administrators.
 */
export async function GET(): Promise<Response> {
  const operator = await findOperator();
  if (operator instanceof Response) return operator;
  const { items, missing } = await operator.manager.getStrandedWrites();
  return answer({ writes: items, missing });
}

import { answer } from "@/app/api/answers";
import { findLabOperator } from "@/app/api/lab/operator";

export const dynamic = "force-dynamic";

/** What the lab's page shows. Asking for it keeps the lab at work; `page` tells open pages apart. */
export async function GET(request: Request): Promise<Response> {
  const operator = await findLabOperator();
  if (operator instanceof Response) return operator;
  const page = new URL(request.url).searchParams.get("page")?.slice(0, 64) || "page";
  return answer(await operator.lab.state(page));
}

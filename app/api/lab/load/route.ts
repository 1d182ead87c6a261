import { z } from "zod";
import { answer } from "@/app/api/answers";
import { findChangingLabOperator } from "@/app/api/lab/operator";
import { parseBody } from "@/app/api/regions/requests";

export const dynamic = "force-dynamic";

const loadRequest = z.object({ on: z.boolean("Say whether the load is to be on.") }).strict();

export async function POST(request: Request): Promise<Response> {
  const operator = await findChangingLabOperator(request);
  if (operator instanceof Response) return operator;
  const body = await parseBody(request, loadRequest);
  if (body instanceof Response) return body;
  operator.lab.setLoad(body.data.on);
  return answer({ ok: true });
}

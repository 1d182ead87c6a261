import { answer } from "@/app/api/answers";
import { findChangingLabOperator } from "@/app/api/lab/operator";
import { parseBody } from "@/app/api/regions/requests";
import { faultSchema } from "@/lib/lab/fault";
import { PlanetControlError } from "@/lib/lab/planet-client";

export const dynamic = "force-dynamic";

/** Body: a fault, see lib/lab/fault.ts. */
export async function POST(request: Request): Promise<Response> {
  const operator = await findChangingLabOperator(request);
  if (operator instanceof Response) return operator;
  const body = await parseBody(request, faultSchema);
  if (body instanceof Response) return body;
  try {
    await operator.lab.fault(body.data, operator.user.userId);
  } catch (error) {
    if (!(error instanceof PlanetControlError)) throw error;
    return answer({ code: "refused", message: error.message }, 400);
  }
  return answer({ ok: true });
}

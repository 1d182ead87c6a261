import { answer, FOREIGN, isSameOrigin, UNAUTHENTICATED } from "@/app/api/answers";
import { readBody, refuse } from "@/app/api/documents/[id]/answers";
import { check } from "@/lib/documents/validation";
import { placeOrder } from "@/lib/ecommerce/order";
import { readOrders } from "@/lib/ecommerce/read-orders";
import { orderInput } from "@/lib/ecommerce/validation";
import { getRequestContext, keepToken } from "@/lib/request-context";

export const dynamic = "force-dynamic";

const BODY_MAX_BYTES = 2_000;

/** The caller's orders with their ledger entries, and the balance of their account: `{ orders, account, receipt }`. */
export async function GET(): Promise<Response> {
  const { user, vantage, token } = await getRequestContext();
  if (!user) return answer(UNAUTHENTICATED, 401);
  const { value, receipt } = await readOrders({ userId: user.userId, vantage, token });
  return answer({ ...value, receipt });
}

/**
 * Orders a reservation (`{ "reservationId", "regionId" }`) under the header `Idempotency-Key`.
 *
 * 201: placed. 200: it was placed already. 202: indeterminate; asked again with the key, it is settled. Otherwise
 * nothing was sold and nothing is owed.
 */
export async function POST(request: Request): Promise<Response> {
  if (!isSameOrigin(request)) return answer(FOREIGN, 403);
  const { user, vantage, token } = await getRequestContext();
  if (!user) return answer(UNAUTHENTICATED, 401);
  const key = request.headers.get("idempotency-key");
  if (key === null) return refuse("invalid", "The header Idempotency-Key is missing.");
  const body = await readBody(request, BODY_MAX_BYTES);
  const input = check(orderInput, { ...body, key });
  if (!input.ok) return refuse(input.code, input.message);
  const result = await placeOrder({ userId: user.userId, vantage, token }, input.value);
  switch (result.kind) {
    case "placed": {
      const { order, receipt, repeated, open } = result;
      await keepToken(open, user);
      return answer({ ok: true, order, receipt }, repeated ? 200 : 201);
    }
    case "indeterminate": {
      const { step, message } = result;
      return answer({ ok: false, code: "indeterminate", step, key, message }, 202);
    }
    case "refused": {
      const { code, message } = result.refusal;
      return code === "conflict"
        ? answer({ ok: false, code, message }, 409)
        : refuse(code, message);
    }
    default:
      return result satisfies never;
  }
}

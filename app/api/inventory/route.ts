import { answer, UNAUTHENTICATED } from "@/app/api/answers";
import { readInventory } from "@/lib/ecommerce/read";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

/**
 * Products with free, reserved and sold units and the rights of each region, and the caller's newest
 * reservations, as the session may see them: `{ products, reservations, receipt }`.
 */
export async function GET(): Promise<Response> {
  const { user, vantage, token } = await getRequestContext();
  if (!user) return answer(UNAUTHENTICATED, 401);
  const { value, receipt } = await readInventory({ userId: user.userId, vantage, token });
  return answer({ ...value, receipt });
}

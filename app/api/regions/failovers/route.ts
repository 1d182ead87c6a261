import { answer } from "@/app/api/answers";
import { pollFailoverHistory } from "@/lib/failover-history";
import { toFailoverRecord } from "@/lib/failover-records";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

const DEFAULT_LIMIT = 20;

/**
 * `?limit=`, up to 200: attempts to change the leader, newest first. Anyone may see when and how the leader
 * changed; who asked, why, and what went wrong is for administrators.
 */
export async function GET(request: Request): Promise<Response> {
  const { user, vantage } = await getRequestContext();
  const asked = new URL(request.url).searchParams.get("limit") ?? `${DEFAULT_LIMIT}`;
  if (!/^[1-9][0-9]{0,3}$/.test(asked)) {
    return answer({ code: "invalid", message: "limit: a number from 1 to 200." }, 400);
  }
  const history = await pollFailoverHistory(vantage, Number(asked));
  const detailed = user?.role === "admin";
  return answer(history.map((attempt) => toFailoverRecord(attempt, detailed)));
}

import { answer } from "@/app/api/answers";
import { refuse, SIGNED_OUT } from "@/app/api/leaderboard/answers";
import { readStanding } from "@/lib/gaming/read";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

/** Where the caller stands, and between whom: `{ rank, around, receipt }`; `rank` is null before the first round. */
export async function GET(): Promise<Response> {
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refuse(SIGNED_OUT);
  return answer(await readStanding({ userId: user.userId, vantage, token }));
}

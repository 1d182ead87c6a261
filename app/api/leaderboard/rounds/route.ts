import { answer, isSameOrigin } from "@/app/api/answers";
import { FOREIGN_SITE, refuse, SIGNED_OUT } from "@/app/api/leaderboard/answers";
import { beginRound } from "@/lib/gaming/play";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

/** Begins a round of the caller's: `{ id, regionId, cards }`. 429 with `Retry-After` after too many. */
export async function POST(request: Request): Promise<Response> {
  if (!isSameOrigin(request)) return refuse(FOREIGN_SITE);
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refuse(SIGNED_OUT);
  const begun = await beginRound({ userId: user.userId, vantage, token });
  return begun.ok ? answer(begun.round, 201) : refuse(begun);
}

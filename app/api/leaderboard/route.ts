import { answer } from "@/app/api/answers";
import { refuse } from "@/app/api/leaderboard/answers";
import { check } from "@/lib/documents/validation";
import { BOARD_LIMIT } from "@/lib/gaming/leaderboard";
import { readBoard } from "@/lib/gaming/read";
import { boardInput } from "@/lib/gaming/validation";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

/**
 * `?region=&limit=`: the board of a region, or the global one, from the first place down:
 * `{ regionId, players, entries, receipt }`. For everybody; who is signed in sees their last score in it.
 */
export async function GET(request: Request): Promise<Response> {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  const input = check(boardInput, query);
  if (!input.ok) return refuse({ code: "invalid", message: input.message });
  const { user, vantage, token } = await getRequestContext();
  const { region = null, limit = BOARD_LIMIT.standard } = input.value;
  return answer(await readBoard({ userId: user?.userId ?? null, vantage, token }, region, limit));
}

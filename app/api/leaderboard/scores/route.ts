import { answer, isSameOrigin } from "@/app/api/answers";
import { readBody } from "@/app/api/documents/[id]/answers";
import { FOREIGN_SITE, refuse, SIGNED_OUT } from "@/app/api/leaderboard/answers";
import { check } from "@/lib/documents/validation";
import { scoreRound } from "@/lib/gaming/play";
import { scoreInput } from "@/lib/gaming/validation";
import { getRequestContext, keepToken } from "@/lib/request-context";

export const dynamic = "force-dynamic";

const BODY_MAX_BYTES = 20_000;

/**
 * Counts a round by its answers (`{ roundId, regionId, answers: [{ regionId, atMs }] }`). The score is what they
 * come to when they are played again here; none is sent. Sent again it is told what has counted.
 */
export async function POST(request: Request): Promise<Response> {
  if (!isSameOrigin(request)) return refuse(FOREIGN_SITE);
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refuse(SIGNED_OUT);
  const body = await readBody(request, BODY_MAX_BYTES);
  const input = check(scoreInput, body);
  if (!input.ok) return refuse({ code: "invalid", message: input.message });
  const scored = await scoreRound(
    { userId: user.userId, vantage, token },
    user.publicName,
    input.value,
  );
  if (!scored.ok) return refuse(scored);
  await keepToken(scored.open, user);
  return answer(scored.value);
}

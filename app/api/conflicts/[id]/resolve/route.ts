import { decideConflict } from "@/app/actions/conflict-actions";
import { answer, isSameOrigin, NOT_FOUND, UNAUTHENTICATED } from "@/app/api/answers";
import { findConflictId, findReader } from "@/app/conflicts/reader";
import type { ResolveRefusal } from "@/lib/conflicts/types";

export const dynamic = "force-dynamic";

interface Context {
  params: Promise<{ id: string }>;
}

const STATUS: Record<ResolveRefusal["code"], number> = {
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  stale: 409,
  conflict: 409,
  invalid: 400,
  behind: 503,
  unavailable: 503,
};

/**
 * Body: `{ take }` or `{ choice, value }`, with the `shown` of the conflict that was read. 409 with
 * `state`, what the field holds now, where that is something that was not shown.
 */
export async function POST(request: Request, { params }: Context): Promise<Response> {
  if (!isSameOrigin(request)) {
    return answer({ code: "forbidden", message: "Only a page of this site may do this." }, 403);
  }
  if (!(await findReader())) return answer(UNAUTHENTICATED, 401);
  const id = findConflictId((await params).id);
  if (id === null) return answer(NOT_FOUND, 404);
  const body: unknown = await request.json().catch(() => null);
  if (typeof body !== "object" || body === null) {
    return answer({ code: "invalid", message: "Expected a JSON object." }, 400);
  }
  const outcome = await decideConflict({ ...body, id });
  if (outcome.ok) return answer({ resolved: outcome.resolved, receipt: outcome.receipt });
  return answer(outcome, STATUS[outcome.code]);
}

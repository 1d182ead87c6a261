import { answer, isSameOrigin } from "@/app/api/answers";
import { readBody, refuse } from "@/app/api/documents/[id]/answers";
import type { TitleSaved } from "@/lib/documents/text/wire";
import { check, titleInput } from "@/lib/documents/validation";
import { updateDocument } from "@/lib/documents/write";
import { getRequestContext, keepToken } from "@/lib/request-context";

export const dynamic = "force-dynamic";

interface Props {
  params: Promise<{ id: string }>;
}

const BODY_MAX_BYTES = 20_000;

/**
 * Stores a title that is being typed (`{ "title", "baseVersion" }`), without a version in the history.
 * A handler for the reason that the text has one.
 */
export async function PATCH(request: Request, { params }: Props): Promise<Response> {
  if (!isSameOrigin(request)) return refuse("forbidden", "Another site may not write here.");
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refuse("unauthenticated", "Your session has ended. Sign in again.");
  const body = await readBody(request, BODY_MAX_BYTES);
  const input = check(titleInput, { ...body, documentId: (await params).id });
  if (!input.ok) return refuse(input.code, input.message);
  const change = { ...input.value, unversioned: true };
  const outcome = await updateDocument({ userId: user.userId, vantage, token }, change);
  if (!outcome.ok) return refuse(outcome.code, outcome.message);
  await keepToken(outcome.open, user);
  const { receipt, value } = outcome;
  return answer({ ok: true, clock: value.clock, title: value.title, receipt } satisfies TitleSaved);
}

import { answer, isSameOrigin } from "@/app/api/answers";
import { readBody, refuse } from "@/app/api/documents/[id]/answers";
import { readText } from "@/lib/documents/text/read-text";
import { defaultPresence } from "@/lib/documents/text/presence";
import { bytesOf, type TextNews, type TextSent } from "@/lib/documents/text/wire";
import { check, documentInput, textInput } from "@/lib/documents/validation";
import { NOT_FOUND, sendTextUpdate } from "@/lib/documents/write";
import { getRequestContext, keepToken } from "@/lib/request-context";

export const dynamic = "force-dynamic";

/*
 * The live editor's way to the text. Sending is a handler beside the action of the same name: it can
 * put the session's token into its cookie without rendering the page again for each few letters.
 */

interface Props {
  params: Promise<{ id: string }>;
}

/** A body is one update in base64 and some JSON around it. */
const BODY_MAX_BYTES = 600_000;

/** News since `marker`; `sv` is the editor's Yjs state vector in base64, `tab` names its page. */
export async function GET(request: Request, { params }: Props): Promise<Response> {
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refuse("unauthenticated", "Your session has ended. Sign in again.");
  const input = check(documentInput, { documentId: (await params).id });
  if (!input.ok) return refuse("not-found", NOT_FOUND.message);
  const { documentId } = input.value;
  const query = new URL(request.url).searchParams;
  const actor = { userId: user.userId, vantage, token };
  const tab = (query.get("tab") ?? "").slice(0, 40);
  const news = await readText(actor, documentId, {
    marker: query.get("marker") ?? "",
    stateVector: stateVector(query.get("sv")),
  });
  if (!news) return refuse("not-found", NOT_FOUND.message);
  const self = { userId: user.userId, name: user.publicName, tab: `${user.userId}:${tab}` };
  const present = await defaultPresence().meet(vantage, documentId, self);
  return answer({ ...news, present } satisfies TextNews);
}

/** Adds the update in the body (`{ "update": base64 }`) to the text. */
export async function POST(request: Request, { params }: Props): Promise<Response> {
  if (!isSameOrigin(request)) return refuse("forbidden", "Another site may not write here.");
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refuse("unauthenticated", "Your session has ended. Sign in again.");
  const body = await readBody(request, BODY_MAX_BYTES);
  const input = check(textInput, { documentId: (await params).id, update: body?.update });
  if (!input.ok) return refuse(input.code, input.message);
  const outcome = await sendTextUpdate({ userId: user.userId, vantage, token }, input.value);
  if (!outcome.ok) return refuse(outcome.code, outcome.message);
  await keepToken(outcome.open, user);
  const { receipt, value } = outcome;
  return answer({ ok: true, clock: value.clock, receipt } satisfies TextSent);
}

function stateVector(text: string | null): Uint8Array | null {
  if (!text || text.length > 100_000) return null;
  try {
    return bytesOf(text);
  } catch {
    return null;
  }
}

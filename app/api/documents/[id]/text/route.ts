import { readText } from "@/lib/documents/text/read-text";
import { defaultPresence } from "@/lib/documents/text/presence";
import { bytesOf, type TextNews, type TextRefused, type TextSent } from "@/lib/documents/text/wire";
import type { RefusalCode } from "@/lib/documents/types";
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

const STATUS: Partial<Record<RefusalCode, number>> = {
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  behind: 409,
  unavailable: 503,
};

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
  const self = { userId: user.userId, name: user.name, tab: `${user.userId}:${tab}` };
  const present = await defaultPresence().meet(vantage, documentId, self);
  return answer({ ...news, present } satisfies TextNews);
}

/** Adds the update in the body (`{ "update": base64 }`) to the text. */
export async function POST(request: Request, { params }: Props): Promise<Response> {
  if (!isSameOrigin(request)) return refuse("forbidden", "Another site may not write here.");
  const { user, vantage, token } = await getRequestContext();
  if (!user) return refuse("unauthenticated", "Your session has ended. Sign in again.");
  const body = await readBody(request);
  const input = check(textInput, { documentId: (await params).id, update: body?.update });
  if (!input.ok) return refuse(input.code, input.message);
  const outcome = await sendTextUpdate({ userId: user.userId, vantage, token }, input.value);
  if (!outcome.ok) return refuse(outcome.code, outcome.message);
  await keepToken(outcome.open);
  const { receipt, value } = outcome;
  return answer({ ok: true, clock: value.clock, receipt } satisfies TextSent);
}

function answer(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

function refuse(code: RefusalCode, message: string): Response {
  return answer({ ok: false, code, message } satisfies TextRefused, STATUS[code] ?? 422);
}

/** Browsers say where a request comes from; one that says nothing is not a page's. */
function isSameOrigin(request: Request): boolean {
  const origin = request.headers.get("origin");
  const host = request.headers.get("x-forwarded-host") ?? request.headers.get("host");
  return origin !== null && URL.canParse(origin) && new URL(origin).host === host;
}

function stateVector(text: string | null): Uint8Array | null {
  if (!text || text.length > 100_000) return null;
  try {
    return bytesOf(text);
  } catch {
    return null;
  }
}

async function readBody(request: Request): Promise<{ update?: unknown } | null> {
  if (Number(request.headers.get("content-length") ?? 0) > BODY_MAX_BYTES) return null;
  try {
    const text = await request.text();
    if (text.length > BODY_MAX_BYTES) return null;
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : null;
  } catch {
    return null;
  }
}

import { answer } from "@/app/api/answers";
import type { TextRefused } from "@/lib/documents/text/wire";
import type { RefusalCode } from "@/lib/documents/types";

/* What the handlers that the open document talks to have in common. */

const STATUS: Partial<Record<RefusalCode, number>> = {
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  behind: 409,
  unavailable: 503,
};

export function refuse(code: RefusalCode, message: string): Response {
  return answer({ ok: false, code, message } satisfies TextRefused, STATUS[code] ?? 422);
}

/** The object in a body, or null where there is none, or a larger one than is read. */
export async function readBody(
  request: Request,
  maxBytes: number,
): Promise<Record<string, unknown> | null> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return null;
  try {
    const text = await request.text();
    if (text.length > maxBytes) return null;
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

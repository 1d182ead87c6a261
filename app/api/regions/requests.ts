import { z } from "zod";
import { answer } from "@/app/api/answers";
import { ORDER_KINDS } from "@/lib/failover-shape";

const reason = z
  .string("A reason is needed.")
  .trim()
  .min(1, "A reason is needed.")
  .max(500, "A reason has at most 500 characters.");

export const failoverRequest = z
  .object({
    toRegion: z.string("A region is needed.").min(1).max(100),
    reason,
    kind: z.enum(ORDER_KINDS, "This is no kind of failover.").optional(),
    /** What was typed: the id of the region. */
    confirm: z.string("Type the id of the region to confirm.").max(100),
  })
  .refine(({ toRegion, confirm }) => toRegion === confirm, {
    path: ["confirm"],
    message: "Type the id of the region to confirm.",
  });

export const pauseRequest = z
  .object({
    paused: z.boolean("Say whether to pause."),
    reason,
    /** What was typed: `pause` or `resume`. */
    confirm: z.string("Type the word to confirm.").max(100),
  })
  .refine(({ paused, confirm }) => confirm === (paused ? "pause" : "resume"), {
    path: ["confirm"],
    message: "Type the word to confirm.",
  });

/** What a request's body says, or the 400 that says what is wrong with it. */
export async function parseBody<T>(
  request: Request,
  schema: z.ZodType<T>,
): Promise<{ data: T } | Response> {
  const body: unknown = await request.json().catch(() => undefined);
  const parsed = schema.safeParse(body);
  if (parsed.success) return { data: parsed.data };
  const fields = Object.fromEntries(
    parsed.error.issues
      .toReversed()
      .flatMap(({ path, message }) => (path[0] === undefined ? [] : [[String(path[0]), message]])),
  );
  const [first] = parsed.error.issues;
  const message = first?.path.length ? first.message : "Expected a JSON object.";
  return answer({ code: "invalid", message, fields }, 400);
}

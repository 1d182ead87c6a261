import { z } from "zod";
import { answer } from "@/app/api/answers";
import { findChangingLabOperator } from "@/app/api/lab/operator";
import { parseBody } from "@/app/api/regions/requests";
import { STORY_IDS } from "@/lib/lab/stories/progress";

export const dynamic = "force-dynamic";

const storyRequest = z.discriminatedUnion("action", [
  z.object({ action: z.literal("start"), story: z.enum(STORY_IDS) }).strict(),
  z.object({ action: z.literal("stop") }).strict(),
]);

/** 409 while another one runs. */
export async function POST(request: Request): Promise<Response> {
  const operator = await findChangingLabOperator(request);
  if (operator instanceof Response) return operator;
  const body = await parseBody(request, storyRequest);
  if (body instanceof Response) return body;
  const { lab, user } = operator;
  if (body.data.action === "stop") lab.stopStory();
  else if (!lab.startStory(body.data.story, user.userId)) {
    return answer({ code: "refused", message: "A story is running, or a reset." }, 409);
  }
  return answer({ ok: true });
}

import { findConflictId, findReader } from "@/app/conflicts/reader";
import { answer, NOT_FOUND, UNAUTHENTICATED } from "@/app/api/answers";
import { readConflict } from "@/lib/conflicts/read";

export const dynamic = "force-dynamic";

interface Context {
  params: Promise<{ id: string }>;
}

/** One conflict with its versions, what the field holds now, and what was decided. */
export async function GET(_: Request, { params }: Context): Promise<Response> {
  const reader = await findReader();
  if (!reader) return answer(UNAUTHENTICATED, 401);
  const id = findConflictId((await params).id);
  const { value, receipt } = id === null ? { value: null } : await readConflict(reader, id);
  return value ? answer({ conflict: value, receipt }) : answer({ ...NOT_FOUND, receipt }, 404);
}

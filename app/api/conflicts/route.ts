import { findReader } from "@/app/conflicts/reader";
import { answer, UNAUTHENTICATED } from "@/app/api/answers";
import { readConflicts } from "@/lib/conflicts/read";
import { filterQuery, parseFilter } from "@/lib/conflicts/filter";

export const dynamic = "force-dynamic";

/**
 * `?status=open|automatic|decided&entity=&q=&before=&limit=`: the conflicts that the caller may see,
 * newest first. `next` is the query of the following page.
 */
export async function GET(request: Request): Promise<Response> {
  const reader = await findReader();
  if (!reader) return answer(UNAUTHENTICATED, 401);
  const filter = parseFilter(Object.fromEntries(new URL(request.url).searchParams));
  const { value, receipt } = await readConflicts(reader, filter);
  const { items, counts, next } = value;
  const before = next && filterQuery({ ...filter, before: next });
  return answer({ conflicts: items, counts, next: before, receipt });
}

import { answer } from "@/app/api/answers";
import { publishedContent } from "@/app/content/published";
import { findSlug } from "@/app/content/slug";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

const NO_ARTICLE = { code: "not-found", message: "There is no such article in this region." };

/** A public article as the visitor's region has it: `{ article, receipt }`, or 404. For everybody. */
export async function GET(
  _: Request,
  { params }: { params: Promise<{ slug: string }> },
): Promise<Response> {
  const slug = findSlug((await params).slug);
  if (slug === null) return answer(NO_ARTICLE, 404);
  const { vantage } = await getRequestContext();
  const { value, receipt } = await publishedContent().read(vantage, slug);
  return value ? answer({ article: value, receipt }) : answer({ ...NO_ARTICLE, receipt }, 404);
}

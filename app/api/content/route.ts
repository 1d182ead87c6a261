import { answer } from "@/app/api/answers";
import { publishedContent } from "@/app/content/published";
import { getRequestContext } from "@/lib/request-context";

export const dynamic = "force-dynamic";

/** What is public in the visitor's region, last published first: `{ articles, receipt }`. For everybody. */
export async function GET(): Promise<Response> {
  const { vantage } = await getRequestContext();
  const { value, receipt } = await publishedContent().list(vantage);
  return answer({ articles: value, receipt });
}

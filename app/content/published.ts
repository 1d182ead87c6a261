import { unstable_cache } from "next/cache";
import { PublishedContentReader, type ContentCache } from "@/lib/cms/published";

/** What nobody asked for within a day is read again: names of authors may change. */
const KEPT_SECONDS = 24 * 60 * 60;

const cache: ContentCache = (key, tags, load) =>
  unstable_cache(load, [...key], { tags: [...tags], revalidate: KEPT_SECONDS })();

const holder = globalThis as { meridianPublished?: PublishedContentReader };

/** The process's. On globalThis, because a development server reloads modules, and it holds subscriptions. */
export function publishedContent(): PublishedContentReader {
  return (holder.meridianPublished ??= new PublishedContentReader(cache));
}

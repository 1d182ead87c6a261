import Link from "next/link";
import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { PublishedContent } from "@/lib/cms/types";

export function ArticleList({ articles }: { articles: PublishedContent[] }) {
  if (articles.length === 0) {
    return (
      <div className="rounded-lg border border-dashed border-line-strong px-6 py-14 text-center">
        <h2 className="font-medium">Nothing is published yet</h2>
        <p className="mx-auto mt-1 max-w-md text-sm text-muted">
          An article appears in a region as soon as that region has it, and not before.
        </p>
      </div>
    );
  }
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {articles.map((article) => (
        <li key={article.id} className="relative space-y-1 px-4 py-4 hover:bg-sunken">
          <h2 className="font-medium break-words">
            <Link
              href={`/content/${article.id}`}
              className="after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
            >
              {article.title}
            </Link>
          </h2>
          <p className="line-clamp-2 max-w-2xl text-sm text-muted break-words">{article.body}</p>
          <p className="flex flex-wrap items-baseline gap-x-1.5 text-xs text-muted">
            {article.author ?? "An author unknown here"}
            <span aria-hidden>·</span>
            <RegionLabel regionId={article.publishedIn} />
            <Time value={article.publishedAt} />
          </p>
        </li>
      ))}
    </ul>
  );
}

import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { PublishedContent } from "@/lib/cms/types";
import { paragraphs } from "./content-text";

export function Article({ article }: { article: PublishedContent }) {
  return (
    <article className="max-w-2xl space-y-4">
      <p className="flex flex-wrap items-baseline gap-x-1.5 text-sm text-muted">
        {article.author ?? "An author unknown here"}
        <span aria-hidden>·</span> published in <RegionLabel regionId={article.publishedIn} />
        <Time value={article.publishedAt} />
      </p>
      {paragraphs(article.body).map((text, index) => (
        <p key={index} className="leading-relaxed break-words whitespace-pre-line">
          {text}
        </p>
      ))}
    </article>
  );
}

import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { cache } from "react";
import { publishedContent } from "@/app/content/published";
import { parseSlug } from "@/app/content/slug";
import { Article } from "@/components/content/article";
import { PublicReceiptLine } from "@/components/content/public-receipt";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { getRequestContext } from "@/lib/request-context";

interface Props {
  params: Promise<{ slug: string }>;
}

/** Once per request, for the title and the page. */
const load = cache(async (segment: string) => {
  const slug = parseSlug(segment);
  const { vantage } = await getRequestContext();
  return publishedContent().read(vantage, slug);
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { value } = await load((await params).slug);
  return { title: value?.title ?? "Article" };
}

/** For everybody: the version that is public in the visitor's region. */
export default async function ArticlePage({ params }: Props) {
  const { value: article, receipt } = await load((await params).slug);
  if (!article) notFound();
  return (
    <>
      <PageHeader
        title={article.title}
        actions={
          <Link href="/content" className={buttonClass("plain")}>
            All articles
          </Link>
        }
      >
        <PublicReceiptLine receipt={receipt} version={article.versionName} />
      </PageHeader>
      <Article article={article} />
    </>
  );
}

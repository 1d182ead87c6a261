import type { Metadata } from "next";
import Link from "next/link";
import { publishedContent } from "@/app/content/published";
import { ArticleList } from "@/components/content/article-list";
import { PublicReceiptLine } from "@/components/content/public-receipt";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Articles" };

/** For everybody: what is public in the visitor's region. */
export default async function ContentPage() {
  const { user, vantage } = await getRequestContext();
  const { value, receipt } = await publishedContent().list(vantage);
  return (
    <>
      <PageHeader
        title="Articles"
        actions={
          user ? (
            <Link href="/content/manage" className={buttonClass("plain")}>
              Write and review
            </Link>
          ) : null
        }
      >
        <PublicReceiptLine receipt={receipt} />
      </PageHeader>
      <ArticleList articles={value} />
    </>
  );
}

import Link from "next/link";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";

export default function ArticleNotFound() {
  return (
    <>
      <PageHeader title="No such article here" />
      <p className="mb-5 max-w-xl text-muted">
        Nothing is public under this address in the region that answers you. An article that was
        just published elsewhere appears as soon as this region has it.
      </p>
      <Link href="/content" className={buttonClass("plain")}>
        All articles
      </Link>
    </>
  );
}

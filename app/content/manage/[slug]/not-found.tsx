import Link from "next/link";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";

export default function ManagedNotFound() {
  return (
    <>
      <PageHeader title="Article not found" />
      <p className="mb-5 max-w-xl text-muted">
        There is no such article, or it is not yours to change.
      </p>
      <Link href="/content/manage" className={buttonClass("plain")}>
        Your articles
      </Link>
    </>
  );
}

import Link from "next/link";
import { buttonClass } from "@/components/ui/button";

export function NewDocumentLink() {
  return (
    <Link href="/documents/new" className={buttonClass()} aria-keyshortcuts="n">
      New document
    </Link>
  );
}

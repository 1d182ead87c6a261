import Link from "next/link";
import { buttonClass } from "@/components/ui/button";

/** One text for all: that a document of somebody else's exists is not for everyone. */
export default function DocumentNotFound() {
  return (
    <div className="max-w-lg pt-6">
      <h1 className="text-2xl font-semibold">Not found</h1>
      <p className="mt-2 text-muted">
        There is no such document: it was deleted, it is not shared with you, or its address is not
        complete.
      </p>
      <Link href="/documents" className={buttonClass("plain", "mt-5")}>
        Your documents
      </Link>
    </div>
  );
}

import Link from "next/link";
import { buttonClass } from "@/components/ui/button";

export default function ConflictNotFound() {
  return (
    <div className="max-w-lg pt-6">
      <h1 className="text-2xl font-semibold">Not found</h1>
      <p className="mt-2 text-muted">
        There is no such conflict, or it is about a document that is not yours. A decided one is
        forgotten after some months.
      </p>
      <Link href="/documents" className={buttonClass("plain", "mt-5")}>
        Your documents
      </Link>
    </div>
  );
}

import Link from "next/link";
import { buttonClass } from "@/components/ui/button";

export function Forbidden() {
  return (
    <div className="max-w-lg pt-6">
      <h1 className="text-2xl font-semibold">For administrators</h1>
      <p className="mt-2 text-muted">
        You are signed in, but this page needs an account with the admin role.
      </p>
      <Link href="/documents" className={buttonClass("plain", "mt-5")}>
        Your documents
      </Link>
    </div>
  );
}

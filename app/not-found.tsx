import type { Metadata } from "next";
import Link from "next/link";
import { buttonClass } from "@/components/ui/button";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <div className="max-w-lg pt-6">
      <h1 className="text-2xl font-semibold">Not found</h1>
      <p className="mt-2 text-muted">There is no such page.</p>
      <Link href="/documents" className={buttonClass("plain", "mt-5")}>
        Your documents
      </Link>
    </div>
  );
}

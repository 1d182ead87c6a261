import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";
import { SignUpForm } from "@/components/session/session-forms";
import { safeReturnPath } from "@/lib/auth/return-path";
import { getRequestContext } from "@/lib/request-context";
import { placesOfAccounts } from "@/lib/residency/placements";

export const metadata: Metadata = { title: "Create an account" };

export default async function SignUpPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string | string[] }>;
}) {
  const next = safeReturnPath((await searchParams).next, "");
  const { user } = await getRequestContext();
  if (user) redirect(next || "/documents");
  const signIn = next ? `/sign-in?next=${encodeURIComponent(next)}` : "/sign-in";
  return (
    <>
      <h1 className="mb-1 text-2xl font-semibold">Create an account</h1>
      <p className="mb-6 text-sm text-muted">
        Or{" "}
        <Link href={signIn} className="text-accent underline underline-offset-2">
          sign in
        </Link>
        . Accounts are written in the leading region, so that an e-mail address is unique
        everywhere.
      </p>
      <SignUpForm next={next || undefined} places={placesOfAccounts()} />
    </>
  );
}

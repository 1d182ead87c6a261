import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";
import { SignInForm } from "@/components/session/session-forms";
import { safeReturnPath } from "@/lib/auth/return-path";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignInPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string | string[] }>;
}) {
  const next = safeReturnPath((await searchParams).next, "");
  const { user } = await getRequestContext();
  if (user) redirect(next || "/documents");
  const signUp = next ? `/sign-up?next=${encodeURIComponent(next)}` : "/sign-up";
  return (
    <>
      <h1 className="mb-1 text-2xl font-semibold">Sign in</h1>
      <p className="mb-6 text-sm text-muted">
        Or{" "}
        <Link href={signUp} className="text-accent underline underline-offset-2">
          create an account
        </Link>
        .
      </p>
      <SignInForm next={next || undefined} />
    </>
  );
}

import { SignInHere } from "@/components/session/sign-in-here";

/** What unauthorized() shows, with 401. */
export default function Unauthorized() {
  return (
    <div className="mx-auto w-full max-w-sm pt-6">
      <h1 className="mb-1 text-2xl font-semibold">Sign in</h1>
      <p className="mb-6 text-sm text-muted">This page is for administrators.</p>
      <SignInHere />
    </div>
  );
}

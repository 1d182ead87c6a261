"use client";

import { Button } from "@/components/ui/button";

/** Says nothing about the fault: its message may hold what is not the reader's to know. */
export default function ErrorPage({
  error,
  reset,
}: {
  error: Error & { digest?: string };
  reset: () => void;
}) {
  return (
    <div className="max-w-lg pt-6" role="alert">
      <h1 className="text-2xl font-semibold">This page could not be made</h1>
      <p className="mt-2 text-muted">
        No region answered in time, or something failed on the way. Nothing you saved is lost.
      </p>
      {error.digest ? (
        <p className="mt-2 text-sm text-muted">
          For the logs: <span className="figures">{error.digest}</span>
        </p>
      ) : null}
      <Button variant="plain" className="mt-5" onClick={reset}>
        Try again
      </Button>
    </div>
  );
}

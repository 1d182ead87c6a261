"use client";

import { useRouter } from "next/navigation";
import { useTransition, type ReactNode } from "react";
import { Button } from "./button";

export interface PageErrorProps {
  error: Error & { digest?: string };
  reset: () => void;
}

/** Says nothing about the fault: its message may hold what is not the reader's to know. */
export function PageError({
  error,
  reset,
  title = "This page could not be made",
  children,
}: PageErrorProps & { title?: string; children?: ReactNode }) {
  const router = useRouter();
  const [trying, start] = useTransition();
  return (
    <div className="max-w-lg pt-6" role="alert">
      <h1 className="text-2xl font-semibold">{title}</h1>
      <p className="mt-2 text-muted">
        No region answered in time, or something failed. Nothing you saved is lost.
      </p>
      {children ? <p className="mt-2 text-muted">{children}</p> : null}
      {error.digest ? (
        <p className="mt-2 text-sm text-muted">
          For the logs: <span className="figures">{error.digest}</span>
        </p>
      ) : null}
      <Button
        variant="plain"
        className="mt-5"
        aria-disabled={trying || undefined}
        // Without the refresh the same answer of the server would be shown once more.
        onClick={() =>
          start(() => {
            router.refresh();
            reset();
          })
        }
      >
        {trying ? "Trying" : "Try again"}
      </Button>
    </div>
  );
}

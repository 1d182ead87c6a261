import type { ReactNode } from "react";

/**
 * What stands where a page will be. Without JavaScript nothing would put that page in its place, so it
 * is shown where it arrives, at the end of the body, and this is not.
 */
export function Skeleton({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div data-skeleton className="motion-safe:animate-pulse">
      <p role="status" className="sr-only">
        {label}
      </p>
      <div aria-hidden>{children}</div>
      <noscript>
        <style>{STREAMED}</style>
      </noscript>
    </div>
  );
}

/**
 * The base layer hides what is `hidden`, and says that it is important; of two layers that do, the
 * earlier one wins.
 */
const STREAMED = `[data-skeleton]{display:none}main:has([data-skeleton]){flex:none;padding-block:0}
@layer theme{[id^="S:"][hidden]{display:block!important}}
[id^="S:"][hidden]{width:100%;max-width:72rem;margin-inline:auto;padding:2rem 1rem}`;

"use client";

import { usePathname, useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";

/** What is there by then needs no sign that it is coming. */
const PATIENCE_MS = 200;

/**
 * A line at the top while a link is followed: a page may wait for a far region, and most pages here can't
 * begin before they have been read (a status once sent is sent).
 */
export function WayThere() {
  const address = `${usePathname()}?${useSearchParams().toString()}`;
  const [from, setFrom] = useState<string | null>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    function follow(event: MouseEvent) {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      // In the capturing phase nobody has prevented anything yet, not even the router's own link.
      if (!link || !leadsAway(link, event)) return;
      clearTimeout(timer);
      timer = setTimeout(() => setFrom(address), PATIENCE_MS);
    }
    document.addEventListener("click", follow, true);
    return () => {
      clearTimeout(timer);
      setFrom(null);
      document.removeEventListener("click", follow, true);
    };
  }, [address]);

  return from === address ? (
    <div
      role="progressbar"
      aria-label="Loading the page"
      className="fixed inset-x-0 top-0 z-50 h-0.5 overflow-hidden bg-tint"
    >
      <div className="h-full w-1/3 bg-accent motion-safe:animate-[way-there_1.1s_ease-in-out_infinite] motion-reduce:w-full" />
    </div>
  ) : null;
}

function leadsAway(link: HTMLAnchorElement, event: MouseEvent): boolean {
  const { ctrlKey, metaKey, shiftKey, altKey, button } = event;
  if (button !== 0 || ctrlKey || metaKey || shiftKey || altKey) return false;
  if (link.target || link.hasAttribute("download")) return false;
  return (
    link.origin === location.origin &&
    link.pathname + link.search !== location.pathname + location.search
  );
}

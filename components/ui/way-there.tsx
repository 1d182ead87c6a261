"use client";

import { usePathname, useSearchParams } from "next/navigation";
import { startTransition, useEffect, useState } from "react";

/** What is there by then needs no sign that it is coming. */
const PATIENCE_MS = 200;

/** How often React is made to look again after a click, in ms, and how many times. */
const AGAIN_MS = 500;
const AGAIN_TIMES = 60;

/**
 * A line at the top while a link is followed: a page may wait for a far region, and most pages here can't
 * begin before they have been read (a status once sent is sent).
 *
 * It also ends what React forgets. The React that Next.js 15.5 brings (19.2) may lose the news that a page has come
 * while it is drawing: on a busy machine the old page stays, though the new one is here (facebook/react#36134). Any
 * other update makes it look again; this makes one now and then until the page is there. It goes with Next.js 16.
 */
export function WayThere() {
  const address = `${usePathname()}?${useSearchParams().toString()}`;
  const [from, setFrom] = useState<string | null>(null);
  const [, setLooked] = useState(0);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setInterval> | undefined;
    function lookAgain() {
      let times = 0;
      clearInterval(again);
      again = setInterval(() => {
        if (++times > AGAIN_TIMES) clearInterval(again);
        startTransition(() => setLooked(times));
      }, AGAIN_MS);
    }
    function follow(event: MouseEvent) {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      // In the capturing phase nobody has prevented anything yet, not even the router's own link.
      if (!link || !leadsAway(link, event)) return;
      clearTimeout(timer);
      timer = setTimeout(() => setFrom(address), PATIENCE_MS);
      lookAgain();
    }
    document.addEventListener("click", follow, true);
    document.addEventListener("submit", lookAgain, true);
    return () => {
      clearTimeout(timer);
      clearInterval(again);
      setFrom(null);
      document.removeEventListener("submit", lookAgain, true);
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

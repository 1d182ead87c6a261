"use client";

import { useEffect, useState } from "react";
import type { Shortcuts } from "./shortcuts";

/** Fetches the shortcuts once the page works: it needs none of them to be read. */
export function ShortcutsLater() {
  const [loaded, setLoaded] = useState<{ component: typeof Shortcuts } | null>(null);
  useEffect(() => {
    let gone = false;
    import("./shortcuts")
      .then(({ Shortcuts: component }) => {
        if (!gone) setLoaded({ component });
      })
      // Without them there is still everything that they are short for.
      .catch(() => undefined);
    return () => {
      gone = true;
    };
  }, []);
  const Loaded = loaded?.component;
  return Loaded ? <Loaded /> : <span aria-hidden className="size-8 max-sm:hidden" />;
}

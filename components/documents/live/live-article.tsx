"use client";

import { useEffect, useState } from "react";
import { LiveStatus } from "./live-status";
import type { SyncState } from "./text-sync";

/** The text for somebody who may only read, as it is being written. */
export function LiveArticle({
  documentId,
  initialText,
}: {
  documentId: string;
  initialText: string;
}) {
  const [live, setLive] = useState<{ text: string; state: SyncState } | null>(null);

  useEffect(() => {
    let gone = false;
    let stop: (() => void) | undefined;
    // Where the code does not come, the text stays as it was rendered.
    import("./follow-text")
      .then(({ followText }) => {
        if (!gone) stop = followText(documentId, (text, state) => setLive({ text, state }));
      })
      .catch(() => undefined);
    return () => {
      gone = true;
      stop?.();
    };
  }, [documentId]);

  return (
    <div className="space-y-2">
      <article className="rounded-lg border border-line bg-surface px-5 py-4 leading-relaxed break-words whitespace-pre-wrap">
        {live?.text ?? initialText}
      </article>
      {live && live.state.present.length > 0 ? (
        <LiveStatus state={{ ...live.state, phase: "loading" }} />
      ) : null}
    </div>
  );
}

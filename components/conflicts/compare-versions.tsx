"use client";

import { useEffect, useId, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { inputClass } from "@/components/ui/field";
import { showMerge, type Compared, type CompareMode } from "./merge-editor";

const MODES: readonly { mode: CompareMode; label: string }[] = [
  { mode: "side-by-side", label: "Side by side" },
  { mode: "merged", label: "Merged" },
];

type Shown = "nothing" | "loading" | "shown" | "failed";

/** The differences of two versions. Without JavaScript it is not there; the versions themselves are. */
export function CompareVersions({ versions }: { versions: readonly Compared[] }) {
  const holder = useRef<HTMLDivElement>(null);
  const [mode, setMode] = useState<CompareMode | null>(null);
  const [left, setLeft] = useState(1);
  const [right, setRight] = useState(0);
  const [shown, setShown] = useState<Shown>("nothing");
  const title = useId();

  useEffect(() => {
    // Two columns of text are none on a telephone.
    const narrow = window.matchMedia?.("(max-width: 40rem)").matches;
    setMode(narrow ? "merged" : "side-by-side");
  }, []);

  const a = versions[left];
  const b = versions[right];
  useEffect(() => {
    const parent = holder.current;
    if (mode === null || !parent || !a || !b) return;
    let gone = false;
    let remove: (() => void) | undefined;
    setShown("loading");
    showMerge(parent, [a, b], mode).then(
      (destroy) => {
        if (gone) return destroy();
        remove = destroy;
        setShown("shown");
      },
      () => {
        if (!gone) setShown("failed");
      },
    );
    return () => {
      gone = true;
      remove?.();
    };
  }, [mode, a, b]);

  if (versions.length < 2) return null;
  return (
    <section aria-labelledby={title} className={cn("space-y-3", mode === null && "hidden")}>
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h2 id={title} className="text-sm font-semibold">
          Differences
        </h2>
        <div className="flex flex-wrap items-center gap-2">
          {versions.length > 2 ? (
            <>
              <Choice label="From" versions={versions} value={left} onChange={setLeft} />
              <Choice label="To" versions={versions} value={right} onChange={setRight} />
            </>
          ) : null}
          <div role="group" aria-label="How to show them" className="flex gap-1">
            {MODES.map((entry) => (
              <Button
                key={entry.mode}
                variant={entry.mode === mode ? "plain" : "quiet"}
                aria-pressed={entry.mode === mode}
                className="h-8"
                onClick={() => setMode(entry.mode)}
              >
                {entry.label}
              </Button>
            ))}
          </div>
        </div>
      </div>
      <p className="text-xs text-muted">
        From {a?.label} to {b?.label}.
      </p>
      <div ref={holder} className="overflow-auto rounded-lg border border-line bg-surface" />
      <p role="status" className="text-sm text-muted">
        {shown === "loading" ? "Comparing" : ""}
        {shown === "failed" ? "The comparison could not be loaded; the versions are above." : ""}
      </p>
    </section>
  );
}

function Choice({
  label,
  versions,
  value,
  onChange,
}: {
  label: string;
  versions: readonly Compared[];
  value: number;
  onChange: (index: number) => void;
}) {
  return (
    <label className="flex items-center gap-1.5 text-xs text-muted">
      {label}
      <select
        value={value}
        onChange={(event) => onChange(Number(event.target.value))}
        className={cn(inputClass, "h-8 w-auto py-0")}
      >
        {versions.map((version, index) => (
          <option key={version.label} value={index}>
            {version.label}
          </option>
        ))}
      </select>
    </label>
  );
}

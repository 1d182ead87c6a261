"use client";

import { useEffect, useRef, useState } from "react";
import { RegionDot, useRegionName } from "@/components/multi-region/region-names";
import { cn } from "@/components/ui/class-names";
import type { RoundView } from "@/lib/gaming/board-shape";
import { ROUND, type RoundAnswer } from "@/lib/gaming/round-rules";
import { scoreSoFar } from "./game-state";

const number = new Intl.NumberFormat("en");
const TICK_MS = 100;

/** The card, the choices and the time. Before the first card it waits, with everything in its place. */
export function PlayingRound({
  round,
  answers,
  regions,
  onAnswer,
  onEnd,
}: {
  round: RoundView;
  /** Null before the first card. */
  answers: readonly RoundAnswer[] | null;
  regions: readonly string[];
  onAnswer: (regionId: string, atMs: number) => void;
  onEnd: () => void;
}) {
  const nameOf = useRegionName();
  const area = useRef<HTMLDivElement>(null);
  const startedMs = useRef(0);
  const [leftMs, setLeftMs] = useState<number>(ROUND.playMs);
  const playing = answers !== null;

  // The button that was pressed is gone: keys go on from here.
  useEffect(() => area.current?.focus(), []);

  useEffect(() => {
    if (!playing) return;
    startedMs.current = performance.now();
    const timer = setInterval(() => {
      const left = ROUND.playMs - (performance.now() - startedMs.current);
      setLeftMs(Math.max(0, left));
      if (left <= 0) onEnd();
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [playing, onEnd]);

  useEffect(() => {
    if (!playing) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      const regionId = /^[1-9]$/.test(event.key) ? regions[Number(event.key) - 1] : undefined;
      if (regionId === undefined) return;
      event.preventDefault();
      onAnswer(regionId, sinceMs(startedMs.current));
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [playing, regions, onAnswer]);

  const { score, cards } = scoreSoFar(round, answers ?? []);
  const last = cards.at(-1);
  const card = round.cards[answers?.length ?? 0];
  return (
    <div
      ref={area}
      tabIndex={-1}
      role="group"
      aria-label="The round"
      className="flex flex-1 flex-col gap-4 outline-none"
    >
      <div className="space-y-2">
        <div className="figures flex justify-between text-sm text-muted">
          <span>{number.format(score)} points</span>
          <span>{Math.ceil(leftMs / 1_000)} s left</span>
        </div>
        <div aria-hidden className="h-1.5 overflow-hidden rounded-full bg-tint">
          <div
            className="h-full origin-left bg-accent motion-safe:transition-transform motion-safe:duration-100 motion-safe:ease-linear"
            style={{ transform: `scaleX(${barOf(leftMs)})` }}
          />
        </div>
      </div>
      <div className="flex flex-1 flex-col items-center justify-center gap-1 py-2 text-center">
        <p
          aria-live="assertive"
          aria-atomic
          data-card={playing ? card?.nearest : undefined}
          className="text-3xl font-semibold break-words"
        >
          {playing ? (card?.city ?? "No more cards") : "Get ready"}
        </p>
        {/* Always there, so that the card does not move. */}
        <p
          data-said={last ? (last.right ? "right" : "wrong") : undefined}
          className={cn(
            "min-h-6 text-sm",
            last?.right ? "text-ok" : last ? "text-bad" : "text-muted",
          )}
        >
          {last
            ? last.right
              ? `Right, +${last.points}`
              : `Wrong: ${last.city} is nearest to ${nameOf(last.nearest).city}, ${last.points}`
            : ""}
        </p>
      </div>
      <div className="grid gap-2 sm:grid-cols-[repeat(auto-fit,minmax(7rem,1fr))]">
        {regions.map((regionId, index) => (
          <button
            key={regionId}
            type="button"
            aria-disabled={!playing || undefined}
            aria-keyshortcuts={index < 9 ? String(index + 1) : undefined}
            onClick={() => {
              if (playing) onAnswer(regionId, sinceMs(startedMs.current));
            }}
            className={cn(
              "flex h-12 items-center gap-2 rounded-md border border-line-strong bg-surface px-3 text-sm font-medium hover:border-faint hover:bg-sunken",
              !playing && "cursor-default text-muted",
            )}
          >
            <RegionDot regionId={regionId} />
            <span className="min-w-0 truncate">{nameOf(regionId).city}</span>
            <kbd
              aria-hidden
              className="ml-auto rounded border border-line-strong px-1.5 text-xs text-muted"
            >
              {index + 1}
            </kbd>
          </button>
        ))}
      </div>
    </div>
  );
}

function sinceMs(startedMs: number): number {
  return Math.round(performance.now() - startedMs);
}

/** Without motion it goes down in five steps, not by and by. */
function barOf(leftMs: number): number {
  const still =
    typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches;
  const part = leftMs / ROUND.playMs;
  return still ? Math.ceil(part * 5) / 5 : part;
}

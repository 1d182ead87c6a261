import { CircleAlert, Hand, Radio } from "lucide-react";
import { cn } from "@/components/ui/class-names";
import type { LabEvent } from "@/lib/lab/lab-shape";

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 1,
  timeZone: "UTC",
});

const KINDS = {
  done: { icon: Hand, word: "done", className: "text-accent" },
  happened: { icon: Radio, word: "happened", className: "text-muted" },
  violation: { icon: CircleAlert, word: "violation", className: "text-bad" },
} as const;

/** What was done and what happened, newest first. */
export function LabTimeline({ events }: { events: readonly LabEvent[] }) {
  return (
    <section aria-labelledby="lab-timeline">
      <h2 id="lab-timeline" className="mb-2 text-lg font-semibold">
        Timeline
      </h2>
      <div
        tabIndex={0}
        role="region"
        aria-labelledby="lab-timeline"
        className="h-72 overflow-y-auto rounded-md border border-line bg-surface"
      >
        {events.length === 0 ? (
          <p className="px-3.5 py-3 text-sm text-muted">
            Nothing was done yet. Choose a region, a link or a story.
          </p>
        ) : (
          <ol className="divide-y divide-line text-sm">
            {events.map(({ id, at, kind, text }) => {
              const { icon: Icon, word, className } = KINDS[kind];
              return (
                <li key={id} data-event={kind} className="flex gap-2.5 px-3.5 py-2">
                  <Icon aria-label={word} className={cn("mt-0.5 size-4 shrink-0", className)} />
                  <span className="min-w-0 flex-1">{text}</span>
                  <time dateTime={at} className="figures shrink-0 text-xs text-muted">
                    {CLOCK.format(new Date(at))}
                  </time>
                </li>
              );
            })}
          </ol>
        )}
      </div>
      <p className="mt-1 text-xs text-muted">Times are UTC.</p>
    </section>
  );
}

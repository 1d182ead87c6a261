"use client";

import { cn } from "@/components/ui/class-names";
import { Notice } from "@/components/ui/notice";
import { Time } from "@/components/ui/time";
import type { EventAnswer, RegionEvent } from "@/lib/events/event";
import { PollFailed } from "./poll-failed";
import { RegionLabel, useRegionName } from "./region-names";
import { polledState, usePolled } from "./use-polled";

const POLL_MS = 10_000;

/** What began and ended lately, newest first; polled. */
export function EventList() {
  const { data, error } = usePolled<EventAnswer>("/api/regions/events", () => POLL_MS);
  const state = polledState({ data, error });
  return (
    <section aria-labelledby="events" data-state={state} className="mt-10 space-y-2.5">
      <h2 id="events" className="text-lg font-semibold">
        Events
      </h2>
      <PollFailed
        error={error}
        known={data !== undefined}
        old="This list may be out of date."
        none="The events can’t be read."
      />
      {state === "loading" ? (
        <p role="status" className="text-sm text-muted">
          Asking the regions
        </p>
      ) : null}
      {data ? <Events answer={data} stale={state === "stale"} /> : null}
    </section>
  );
}

function Events({ answer: { events, missing }, stale }: { answer: EventAnswer; stale: boolean }) {
  const nameOf = useRegionName();
  return (
    <div className={cn("space-y-2", stale && "opacity-60 grayscale")}>
      {missing.length > 0 ? (
        <Notice tone="warn">
          What only these regions saw is not in it, because they do not answer:{" "}
          {missing.map((id) => nameOf(id).city).join(", ")}.
        </Notice>
      ) : null}
      {events.length === 0 ? (
        <p className="text-sm text-muted">Nothing has changed since the regions were set up.</p>
      ) : (
        <ol
          aria-label="Events"
          tabIndex={0}
          className="max-h-96 divide-y divide-line overflow-y-auto rounded-lg border border-line bg-surface text-sm"
        >
          {events.map((event) => (
            <li
              key={event.id}
              data-event={event.kind}
              className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 px-4 py-2"
            >
              <RegionLabel regionId={event.subject} className="font-medium" />
              <span>{describeEvent(event, (id) => nameOf(id).city)}</span>
              <Time value={event.at} className="figures text-xs text-muted sm:ml-auto" />
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

/** What follows on the name of the region. Pure. */
export function describeEvent(event: RegionEvent, city: (id: string) => string): string {
  const seenBy = new Intl.ListFormat("en").format(event.seenBy.map(city));
  switch (event.kind) {
    case "leader":
      return `leads, in epoch ${event.detail}`;
    case "unreachable":
      return `could not be reached from ${seenBy}`;
    case "reachable":
      return `was reached again from ${seenBy}`;
    case "stalled":
      return `has a stream that stands still in ${seenBy}: ${event.detail}`;
    case "unstalled":
      return `has a stream that goes on in ${seenBy}`;
    case "bus-degraded":
      return "lost Redis";
    case "bus-restored":
      return "has Redis again";
    case "worker-back":
      return `has a worker again, after ${formatSilence(Number(event.detail))}`;
    default:
      return event.kind satisfies never;
  }
}

function formatSilence(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

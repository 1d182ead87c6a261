"use client";

import { AlertTriangle, CircleCheck, CircleX } from "lucide-react";
import { cn } from "@/components/ui/class-names";
import { Time } from "@/components/ui/time";
import type { Alarm, AlarmAnswer } from "@/lib/alarms/alarm";
import { PollFailed } from "./poll-failed";
import { RegionLabel } from "./region-names";
import { polledState, usePolled } from "./use-polled";

const POLL_MS = 4_000;

const LOOKS = {
  critical: { icon: CircleX, word: "Critical", className: "text-bad", edge: "border-l-bad" },
  warning: { icon: AlertTriangle, word: "Warning", className: "text-warn", edge: "border-l-warn" },
} as const;

/** What is out of order now, with its cause and what to do; polled. */
export function AlarmList() {
  const { data, error } = usePolled<AlarmAnswer>("/api/regions/alarms", () => POLL_MS);
  const state = polledState({ data, error });
  return (
    <section aria-labelledby="alarms" data-state={state} className="mb-6 space-y-2.5">
      <h2 id="alarms" className="text-lg font-semibold">
        Alarms
      </h2>
      <PollFailed
        error={error}
        known={data !== undefined}
        old="These alarms may be out of date."
        none="The alarms can’t be read."
      />
      {data === undefined && !error ? (
        <p
          role="status"
          className="rounded-lg border border-line bg-surface px-4 py-3 text-sm text-muted"
        >
          Asking the regions
        </p>
      ) : null}
      {data ? (
        <div className={cn(state === "stale" && "opacity-60 grayscale")}>
          <p role="status" className="sr-only">
            {data.alarms.length === 0 ? "No alarm" : `Alarms: ${data.alarms.length}`}
          </p>
          {data.alarms.length === 0 ? (
            <AllIsWell checkedAt={data.checkedAt} certain={state === "fresh"} />
          ) : (
            <ul className="space-y-2">
              {data.alarms.map((alarm) => (
                <li key={alarm.id}>
                  <AlarmCard alarm={alarm} />
                </li>
              ))}
            </ul>
          )}
        </div>
      ) : null}
    </section>
  );
}

function AllIsWell({ checkedAt, certain }: { checkedAt: string; certain: boolean }) {
  return (
    <p className="flex flex-wrap items-center gap-x-2 gap-y-1 rounded-lg border border-line bg-surface px-4 py-3 text-sm">
      <CircleCheck aria-hidden className="size-4 text-ok" />
      <span className="font-medium">{certain ? "All is well." : "All was well."}</span>
      <span className="figures text-muted sm:ml-auto">
        Checked <Time value={checkedAt} />
      </span>
    </p>
  );
}

function AlarmCard({ alarm }: { alarm: Alarm }) {
  const { icon: Icon, word, className, edge } = LOOKS[alarm.severity];
  return (
    <div
      role="group"
      aria-label={alarm.title}
      data-alarm={alarm.kind}
      data-severity={alarm.severity}
      className={cn(
        "space-y-1.5 rounded-lg border border-l-4 border-line bg-surface px-4 py-3 text-sm",
        edge,
      )}
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className={cn("inline-flex items-center gap-1 font-medium", className)}>
          <Icon aria-hidden className="size-4" />
          {word}
        </span>
        <h3 className="min-w-0 font-semibold">{alarm.title}</h3>
        <span className="flex flex-wrap items-baseline gap-x-3 text-xs text-muted sm:ml-auto">
          {alarm.regionId === null ? null : <RegionLabel regionId={alarm.regionId} />}
          {alarm.since ? (
            <span className="figures">
              since <Time value={alarm.since} />
            </span>
          ) : null}
        </span>
      </div>
      <p className="text-muted">{alarm.cause}</p>
      {alarm.details?.length ? (
        <dl className="flex flex-wrap gap-x-5 gap-y-1 rounded-md bg-sunken px-3 py-2 text-xs">
          {alarm.details.map(({ label, value }) => (
            <div key={label} className="flex min-w-0 gap-1.5">
              <dt className="text-muted">{label}</dt>
              <dd className="min-w-0 font-mono break-words">{value}</dd>
            </div>
          ))}
        </dl>
      ) : null}
      <p>
        <span className="font-medium">What to do: </span>
        {alarm.whatToDo}
      </p>
    </div>
  );
}

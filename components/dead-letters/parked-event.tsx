import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { ParkedEvent } from "@/lib/dead-letters/types";

/** One event that could not be applied, or that waits behind one. */
export function ParkedEventView({ event }: { event: ParkedEvent }) {
  return (
    <article className="min-w-0 rounded-lg border border-line bg-surface px-4 py-3 text-sm">
      <h3 className="font-medium">
        {event.status === "parked" ? "Could not be applied" : "Waits behind it"}
      </h3>
      {event.message ? (
        <p className="mt-1 break-words">
          {event.message} <span className="text-muted">SQLSTATE {event.sqlstate}</span>
        </p>
      ) : null}
      <p className="mt-1 text-xs text-muted">
        From <RegionLabel regionId={event.actor.split("#", 1)[0] ?? event.actor} />, position{" "}
        <span className="figures">{event.position}</span>, arrived <Time value={event.at} />, schema
        version {event.schemaVersion}.
      </p>
      <details className="mt-2">
        <summary className="cursor-pointer text-accent underline underline-offset-2">
          The row it carries
        </summary>
        <Json value={event.event} label="The row that the event carries" />
      </details>
    </article>
  );
}

/** A value as formatted JSON, scrolling by itself on a narrow screen. */
export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    <pre
      tabIndex={0}
      role="region"
      aria-label={label}
      className="mt-2 max-h-96 overflow-auto rounded-md border border-line bg-sunken p-3 font-mono text-xs leading-relaxed"
    >
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}

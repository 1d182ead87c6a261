"use client";

import { useSyncExternalStore } from "react";

const PARTS = {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
} as const satisfies Intl.DateTimeFormatOptions;

const UTC = new Intl.DateTimeFormat("en-GB", { ...PARTS, timeZone: "UTC" });

const never = () => () => undefined;

/**
 * An instant in UTC: a page of three regions has no other clock in common. What the reader's own
 * clock said is its title, which the server can't know.
 */
export function Time({ value, className }: { value: string; className?: string }) {
  const date = new Date(value);
  const valid = !Number.isNaN(date.getTime());
  const local = useSyncExternalStore(
    never,
    () =>
      valid
        ? new Intl.DateTimeFormat("en-GB", { ...PARTS, timeZoneName: "short" }).format(date)
        : undefined,
    () => undefined,
  );
  if (!valid) return <span className={className}>unknown time</span>;
  return (
    <time dateTime={date.toISOString()} title={local} className={className}>
      {UTC.format(date)} UTC
    </time>
  );
}

import { formatMs } from "@/components/multi-region/receipt-text";
import type { Unit } from "./chart-series";

/** A value with its unit, as the read-out and the table say it. */
export function formatValue(value: number | null, unit: Unit): string {
  if (value === null) return "unknown";
  switch (unit) {
    case "ms":
      return formatMs(value);
    case "per second":
      return `${short(value)}/s`;
    case "count":
      return short(value);
    default:
      return unit satisfies never;
  }
}

/** At an axis; the unit stands beside its top. Exact: steps are of at most three digits. */
export function formatTick(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 10_000 ? `${value / 1_000}k` : `${value}`;
}

export const UNIT_LABELS: Record<Unit, string> = { ms: "ms", "per second": "per s", count: "" };

function short(value: number): string {
  return value >= 100 || Number.isInteger(value) ? `${Math.round(value)}` : value.toFixed(1);
}

const zoned = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-GB", options);
const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;
const EXACT = { ...CLOCK, second: "2-digit" } as const;
const UTC_SHORT = zoned({ ...CLOCK, timeZone: "UTC" });
const UTC_EXACT = zoned({ ...EXACT, timeZone: "UTC" });
const LOCAL_EXACT = zoned({ ...EXACT, timeZoneName: "short" });

/** At the axis: UTC, which the regions have in common. */
export function formatAxisTime(ms: number): string {
  return UTC_SHORT.format(ms);
}

/** `12:00:15 UTC · 13:00:15 CET`; once where both are the same. */
export function formatMoment(ms: number): string {
  const utc = `${UTC_EXACT.format(ms)} UTC`;
  const local = LOCAL_EXACT.format(ms);
  return local === utc ? utc : `${utc} · ${local}`;
}

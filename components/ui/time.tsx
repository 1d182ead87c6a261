const FORMAT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZone: "UTC",
});

/** An instant in UTC: a page of three regions has no other clock in common. */
export function Time({ value, className }: { value: string; className?: string }) {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return <span className={className}>unknown time</span>;
  return (
    <time dateTime={date.toISOString()} className={className}>
      {FORMAT.format(date)} UTC
    </time>
  );
}

import type { EventKind, RegionEvent } from "./event";

/** A row of mr.event. */
export interface EventRow {
  id: string;
  at: string;
  kind: EventKind;
  subject: string;
  detail: string;
}

/** Regions notice the same thing at different samples, and each by its own clock. */
const SAME_WITHIN_MS = 30_000;

/** What several regions saw is one event, of the time of the first. Newest first. Pure. */
export function joinEvents(
  lists: ReadonlyMap<string, readonly EventRow[]>,
  limit: number,
): RegionEvent[] {
  const rows = [...lists]
    .flatMap(([seenBy, events]) => events.map((event) => ({ ...event, seenBy })))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const joined: RegionEvent[] = [];
  for (const row of rows) {
    const same = joined.findLast(
      (event) =>
        event.kind === row.kind &&
        event.subject === row.subject &&
        event.detail === row.detail &&
        !event.seenBy.includes(row.seenBy) &&
        // An epoch begins once; a region that was away hears of it later.
        (row.kind === "leader" || Date.parse(row.at) - Date.parse(event.at) <= SAME_WITHIN_MS),
    );
    if (same) same.seenBy.push(row.seenBy);
    else {
      const { seenBy, id, ...rest } = row;
      joined.push({ ...rest, id: `${seenBy} ${id}`, seenBy: [seenBy] });
    }
  }
  return joined.reverse().slice(0, limit);
}

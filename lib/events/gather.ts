import { askRegions } from "@/lib/ask-regions";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { EventAnswer } from "./event";
import { joinEvents, type EventRow } from "./join";

const LIMIT = 50;

/** What happened lately, as the regions that answer noted it. */
export async function gatherEvents(vantage: RegionId): Promise<EventAnswer> {
  const answers = await askRegions(vantage, "events", async ({ read }) => {
    const { rows } = await read.query<EventRow>(
      `SELECT id::text, to_jsonb(at AT TIME ZONE 'UTC') #>> '{}' || 'Z' AS at, kind, subject, detail
       FROM mr.event ORDER BY id DESC LIMIT $1::integer`,
      [LIMIT],
    );
    return rows;
  });
  const lists = new Map<string, EventRow[]>();
  const missing: string[] = [];
  for (const [regionId, answer] of answers) {
    if (answer.kind === "answer") lists.set(regionId, answer.value);
    else missing.push(regionId);
  }
  return { events: joinEvents(lists, LIMIT), missing };
}

import type pg from "pg";
import { readAttempts } from "@/lib/db/failover/history";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Acknowledged } from "./write-gaps";

/**
 * What happened when, in ms since the fault, for whoever wonders where the time went: each attempt to lead with its
 * steps, and from when to when each region acknowledged. Lines, each with a line break before it.
 */
export async function courseOf(
  regions: readonly { id: RegionId; pool: pg.Pool }[],
  acknowledged: readonly Acknowledged[],
  faultAtMs: number,
): Promise<string> {
  const lists = await Promise.all(
    regions.map(({ pool }) => readAttempts(pool, 10).catch(() => [])),
  );
  const sinceFault = (time: string | null) =>
    time === null ? NaN : Math.round(Date.parse(time) - performance.timeOrigin - faultAtMs);
  const attempts = new Map(lists.flat().map((attempt) => [attempt.id, attempt]));
  const later = [...attempts.values()].filter(({ requestedAt }) => sinceFault(requestedAt) > 0);
  later.sort((a, b) => sinceFault(a.requestedAt) - sinceFault(b.requestedAt));
  const lines = later.map(({ to, status, steps, error, requestedAt, completedAt }) => {
    const taken = steps.map(({ name, ms }) => `${name} ${ms}`).join(", ");
    return `  ${sinceFault(requestedAt)}-${sinceFault(completedAt)} ${to} ${status}: ${error ?? taken}`;
  });
  for (const region of regions) {
    const writes = acknowledged.filter(
      ({ regionId, atMs }) => regionId === region.id && atMs > faultAtMs,
    );
    const [first, last] = [writes[0], writes.at(-1)].map((write) =>
      write ? Math.round(write.atMs - faultAtMs) : 0,
    );
    if (first) lines.push(`  ${first}-${last} ${region.id} acknowledged ${writes.length}`);
  }
  return lines.map((line) => `\n${line}`).join("");
}

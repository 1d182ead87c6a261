import { systemSleep, type Sleep } from "@/lib/clock";
import type { EntityType } from "@/lib/db/conflicts/entities";
import { compareClocks, type VectorClock } from "@/lib/db/conflicts/vector-clock";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { getLogger } from "@/lib/log";
import type { Behind } from "./decide-quorum-read";
import { readVersion } from "./read-version";

/** How long a region may take to note what it lacks. */
const NOTE_MS = 1_000;

const POLL_MS = 25;

type Parts = Pick<Runtime, "clients">;

/**
 * Tells regions which others have something of a row that they lack. The region's own worker fetches
 * it there: what the application says about a row's content is believed by no database.
 *
 * @returns the regions that noted it
 */
export async function requestRepair(
  { clients }: Parts,
  vantage: RegionId,
  entityType: EntityType,
  id: string,
  behind: readonly Behind<RegionId>[],
): Promise<RegionId[]> {
  const noted = await Promise.all(
    behind.map(async ({ region, sources }) => {
      const answers = await Promise.all(
        sources.map((source) =>
          within(
            NOTE_MS,
            clients.write(vantage, region).$queryRaw<{ outcome: string }[]>`
              SELECT mr.request_sync(${entityType}, ${id}, ${source.region},
                ${JSON.stringify(source.clock)}::jsonb) AS outcome`,
          ).catch((err: unknown) => {
            // Replication will bring it; only that takes as long as it takes.
            getLogger("leaderless").debug({ err, region }, "a repair was not asked for");
            return [];
          }),
        ),
      );
      return answers.every(([answer]) => answer?.outcome === "noted") ? [region] : [];
    }),
  );
  return noted.flat();
}

/**
 * Waits until so many regions have a version. A read that waits for it makes its answer final: every
 * later one meets a region that has it (the write-back of Attiya, Bar-Noy and Dolev, 1995).
 *
 * @returns the regions that have it by then
 */
export async function waitUntilHeld(
  { clients }: Parts,
  vantage: RegionId,
  { entityType, id, clock }: { entityType: EntityType; id: string; clock: VectorClock },
  {
    holders,
    others,
    needed,
    timeoutMs,
    sleep = systemSleep,
  }: {
    holders: readonly RegionId[];
    others: readonly RegionId[];
    needed: number;
    timeoutMs: number;
    sleep?: Sleep;
  },
): Promise<RegionId[]> {
  const held = new Set(holders);
  const untilMs = performance.now() + timeoutMs;
  while (held.size < needed) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) break;
    const looks = others
      .filter((region) => !held.has(region))
      .map(async (region) => {
        const db = clients.write(vantage, region);
        const { row, ready } = await within(
          Math.max(leftMs, POLL_MS),
          readVersion(db, entityType, id),
        );
        const order = row === null ? "before" : compareClocks(row.clock, clock);
        if (ready && (order === "equal" || order === "after")) held.add(region);
      });
    await Promise.allSettled(looks);
    if (held.size < needed) await sleep(POLL_MS);
  }
  return [...held];
}

import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { newestPause } from "./assess";
import type { OperatorRegion } from "./queryable";
import { lookAtRegions } from "./report";

const TELL_MS = 3_000;

/** Two who pause and resume at once get the same version; whoever finds it taken tries the next. */
const TRIES = 3;

export interface PauseOutcome {
  paused: boolean;
  version: bigint;
  told: RegionId[];
  /** They hear of it from the others: the highest version that a worker sees counts. */
  missed: RegionId[];
}

/** Pauses promotions that nobody asked for, or ends that. Leases are renewed all the same. */
export async function setPause(
  regions: readonly OperatorRegion[],
  { paused, reason, by }: { paused: boolean; reason: string; by: string },
): Promise<PauseOutcome> {
  for (let tries = 1; ; tries++) {
    const looks = await lookAtRegions(regions);
    const version = (newestPause(looks)?.pauseVersion ?? 0n) + 1n;
    const answers = await Promise.all(
      regions.map(async ({ id, db }) => {
        const asked = db.query<{ taken: boolean }>(
          "SELECT mr.order_pause($1::bigint, $2, $3, $4) AS taken",
          [`${version}`, paused, reason, by],
        );
        const taken = await within(TELL_MS, asked).then(
          ({ rows }) => rows[0]?.taken ?? false,
          () => null,
        );
        return { id, taken };
      }),
    );
    if (answers.some(({ taken }) => taken === false) && tries < TRIES) continue;
    return {
      paused,
      version,
      told: answers.flatMap(({ id, taken }) => (taken ? [id] : [])),
      missed: answers.flatMap(({ id, taken }) => (taken ? [] : [id])),
    };
  }
}

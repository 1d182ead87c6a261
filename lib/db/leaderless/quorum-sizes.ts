import type { EntityPolicy } from "@/lib/db/conflicts/policy";
import { ConfigurationError } from "@/lib/errors";

export interface QuorumSizes {
  /** W: regions that have an acknowledged write. */
  write: number;
  /** R: regions that a read asks. */
  read: number;
}

export const majorityOf = (regions: number): number => Math.floor(regions / 2) + 1;

/**
 * W and R among so many regions. They have at least one region in common, so that a read meets every
 * acknowledged write (Gifford, "Weighted Voting for Replicated Data", 1979): where a policy's number
 * does not fit any more, because a region was added, more regions are asked.
 */
export function quorumSizes(
  { write, read }: Pick<EntityPolicy, "write" | "read">,
  regions: number,
): QuorumSizes {
  const atMost = (size: number) => Math.min(size, regions);
  const w = atMost(write ?? Math.max(majorityOf(regions), regions + 1 - (read ?? regions)));
  return { write: w, read: atMost(Math.max(read ?? majorityOf(regions), regions + 1 - w)) };
}

/**
 * Throws ConfigurationError for numbers that say one thing and would do another: more regions than
 * there are, or a read that could miss an acknowledged write. A sloppy quorum, which misses some, is
 * what `multi-leader` is for: there nobody waits for it.
 */
export function checkQuorumSizes(
  policies: Readonly<Record<string, EntityPolicy>>,
  regions: number,
): void {
  for (const [entity, policy] of Object.entries(policies)) {
    if (policy.topology !== "leaderless") continue;
    const { write, read } = policy;
    if (Math.max(write ?? 1, read ?? 1) > regions) {
      throw new ConfigurationError(
        `${entity} is written to ${write ?? "a majority"} and read from ${read ?? "a majority"} of ${regions} regions: there are not as many.`,
      );
    }
    if (write !== null && read !== null && write + read <= regions) {
      throw new ConfigurationError(
        `${entity} is written to ${write} and read from ${read} of ${regions} regions: a read could miss an acknowledged write. Together they have to be more than ${regions}.`,
      );
    }
  }
}

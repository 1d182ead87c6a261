import type { Durability } from "@/lib/db/conflicts/policy";
import { awaitQuorum } from "@/lib/db/failover/durability";
import type { WriteEvent } from "@/lib/db/geo-replication";
import { majorityOf, quorumSizes } from "@/lib/db/leaderless/quorum-sizes";
import { registeredRegions } from "@/lib/db/regions/registered";
import { isActor, parseRegionIdOf, regionOfActor, type RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";

export type Confirmation =
  /** The region that took it has it, and nothing more was asked for. */
  | { kind: "region" }
  /** So many regions as are needed are known to have it, the one that took it among them. */
  | { kind: "held"; regions: RegionId[]; needed: number; waitedMs: number }
  /** It is written where it was taken, and on its way to the others. Fewer are known to have it. */
  | {
      kind: "indeterminate";
      regions: RegionId[];
      needed: number;
      detail: string;
      waitedMs: number;
    };

export interface ConfirmOptions {
  /** By default the entity's. */
  durability?: Durability;
  timeoutMs?: number;
  runtime?: () => Runtime;
}

/**
 * Waits until a committed write is in as many regions as its entity's topology and durability ask
 * for: W of a leaderless entity, a majority for a quorum. The publisher should have been woken.
 */
export async function confirmWrite(
  vantage: RegionId,
  event: WriteEvent,
  { durability, timeoutMs, runtime = defaultRuntime }: ConfirmOptions = {},
): Promise<Confirmation> {
  if (!isActor(event.origin)) throw new RangeError("Not the origin of a replicated row");
  const policy = runtime().policy(event.entityType);
  const leaderless = policy.topology === "leaderless";
  const quorum = (durability ?? policy.durability) === "quorum";
  if (!leaderless && !quorum) return { kind: "region" };
  const taker = parseRegionIdOf(regionIds(runtime().topology), regionOfActor(event.origin));
  const { size } = await registeredRegions(runtime(), vantage);
  const needed = Math.max(
    leaderless ? quorumSizes(policy, size).write : 1,
    quorum ? majorityOf(size) : 1,
  );
  if (needed === 1) return { kind: "region" };
  const led = policy.topology === "single-leader";
  const asked = { led, needed: needed - 1, timeoutMs, runtime };
  const { by, ...outcome } = await awaitQuorum(vantage, event, asked);
  return { ...outcome, regions: [taker, ...by], needed };
}

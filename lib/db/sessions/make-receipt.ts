import type { QuorumPositions } from "@/lib/db/leaderless/quorum-positions";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { regionsByDistance } from "@/lib/db/regions/topology";
import { mergePositions, NOTHING, positionsToJson, type Positions } from "./positions";
import { levelName, type ReadLevel, type Receipt } from "./receipt";
import type { Route } from "./route-read";

/** How a read was answered. */
export interface Served {
  level: ReadLevel;
  route: Route;
  vantage: RegionId;
  preferred: RegionId;
  sessionComplete: boolean;
  /** Of performance.now(). */
  started: number;
  waitedMs: number;
  required: Positions;
}

/** What is told of a read, with what was known of every region when it was answered. */
export function makeReceipt(
  { state, applied, topology }: Pick<Runtime, "state" | "applied" | "topology">,
  served: Served,
): Receipt {
  const { route, vantage, required } = served;
  const known = (region: RegionId) => {
    const own = region === route.region ? route.primary : undefined;
    const all = mergePositions(applied.cached(region), own ?? NOTHING);
    return positionsToJson(new Map([...all].filter(([actor]) => required.has(actor))));
  };
  const { region: leader, epoch } = state.leader(vantage);
  return {
    kind: "read",
    level: levelName(served.level),
    regionId: route.region,
    vantage,
    elapsedMs: round(performance.now() - served.started),
    waitedMs: round(served.waitedMs),
    redirected: route.region !== served.preferred,
    reason: route.reason,
    required: positionsToJson(required),
    applied: known(route.region),
    ...(required.size === 0
      ? {}
      : {
          candidates: regionsByDistance(topology, vantage).map(({ id }) => ({
            regionId: id,
            down: state.isDown(vantage, id),
            applied: known(id),
          })),
        }),
    stale: route.stale,
    sessionComplete: served.sessionComplete,
    epoch,
    leader,
  };
}

/** What a receipt says of a read that asked several regions. */
export function askedOf(
  asked: QuorumPositions,
): Pick<Receipt, "copies"> & Partial<Pick<Receipt, "reason" | "stale">> {
  if (asked.kind === "positions") {
    return { copies: { needed: asked.needed, regions: asked.regions } };
  }
  const copies = { needed: asked.needed, regions: asked.answered };
  return { copies, reason: "no-quorum", stale: true };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

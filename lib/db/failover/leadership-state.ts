import type { Overview } from "@/lib/db/regions/overview";
import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";
import type { LeadershipState } from "@/lib/leadership-shape";

/** What is younger than this is not asked for again, in ms. */
const FRESH_MS = 1_000;

/** An overview older than this says nothing of a lease any more, in ms. */
const VALID_MS = 3_000;

/** A leader that has said nothing for so long is not about to be replaced: something else is wrong. */
const SILENT_MS = 10_000;

/** How long an answer is held for regions that have yet to say something, in ms. */
const WAIT_MS = 400;

export interface LeadershipFacts {
  leader: RegionId;
  epoch: number;
  /** False: nobody is promoted but on request. */
  automatic: boolean;
  /** Nobody keeps the lease: who writes renews it, or moves the lead. */
  onDemand: boolean;
  regions: readonly {
    id: RegionId;
    overview: Overview | null;
    /** Of the overview. */
    ageMs: number;
    /** The last request to it failed. */
    down: boolean;
  }[];
}

/** Whether single-leader entities can be written, as far as overviews tell. Pure. */
export function decideLeadership(facts: LeadershipFacts): LeadershipState {
  const { leader, epoch } = facts;
  const answering = facts.regions.filter(({ ageMs, down }) => !down && ageMs <= VALID_MS);
  const own = facts.regions.find(({ id }) => id === leader);
  const answers = own !== undefined && answering.includes(own);
  // A replica knows what is left of the lease, and nothing of who may write.
  if (answers && (own.overview?.leading ?? own.overview?.leaseMs ?? null) !== null) {
    return { kind: "led", leader, epoch };
  }
  const registered = new Set(facts.regions.flatMap(({ overview }) => overview?.registered ?? []));
  const count = Math.max(registered.size, facts.regions.length);
  const majority = Math.floor(count / 2) + 1;
  const silent = facts.regions.filter(({ down }) => down).length;
  if (count - silent < majority) return { kind: "read-only", reason: "no-majority" };
  if (facts.onDemand && answers) return { kind: "led", leader, epoch };
  // Neither a leader that is known to be gone nor one that has said that it has no lease.
  if (!answers && !own?.down) return { kind: "unknown" };
  if (answering.length < majority) return { kind: "unknown" };
  if (answering.some(({ overview }) => overview?.paused)) {
    return { kind: "read-only", reason: "paused" };
  }
  if (!facts.automatic) return { kind: "read-only", reason: "manual" };
  if (facts.onDemand) return { kind: "led", leader, epoch };
  if (!answers && (own?.ageMs ?? Infinity) > SILENT_MS) {
    return { kind: "read-only", reason: "unreachable" };
  }
  return { kind: "changing" };
}

/** As this process last heard. Waits for nothing; what has aged is asked for in the background. */
export function leadershipState(
  vantage: RegionId,
  { state, topology }: Runtime = defaultRuntime(),
): LeadershipState {
  const nowMs = performance.now();
  const { region: leader, epoch } = state.leader(vantage);
  return decideLeadership({
    leader,
    epoch,
    automatic: topology.failover?.automatic ?? true,
    onDemand: topology.serverless ?? false,
    regions: regionIds(topology).map((id) => {
      const overview = state.latest(vantage, id);
      const ageMs = overview ? nowMs - overview.readAtMs : Infinity;
      return { id, overview, ageMs, down: state.isDown(vantage, id) };
    }),
  });
}

/** The same after asking the regions that have not been asked for a while, waiting a moment. */
export async function refreshLeadershipState(
  vantage: RegionId,
  runtime: Runtime = defaultRuntime(),
): Promise<LeadershipState> {
  const { state, topology } = runtime;
  const asked = regionIds(topology)
    .filter((id) => {
      const readAtMs = state.latest(vantage, id)?.readAtMs ?? -Infinity;
      return !state.isDown(vantage, id) && performance.now() - readAtMs >= FRESH_MS;
    })
    .map((id) => state.refresh(vantage, id));
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => (timer = setTimeout(resolve, WAIT_MS)));
  await Promise.race([Promise.allSettled(asked), timeout]);
  clearTimeout(timer);
  return leadershipState(vantage, runtime);
}

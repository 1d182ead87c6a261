import type pg from "pg";
import { STANDARD_CONNECTIONS } from "@/lib/policy-defaults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import type { DrillRegion } from "./planet-runtime";
import { until } from "./until";

/** Between two looks: gaps of tens of milliseconds are measured around them. */
const EVERY_MS = 20;

/** The epoch that a database says it leads; null also where it does not answer. */
export async function leadingEpoch(pool: pg.Pool): Promise<bigint | null> {
  const answer = await pool
    .query<{ epoch: string | null }>("SELECT mr.leading()::text AS epoch")
    .catch(() => null);
  const epoch = answer?.rows[0]?.epoch;
  return epoch ? BigInt(epoch) : null;
}

/** One leader that all regions know, all of them answering, and the cool-down over. */
export async function settledLeader(
  regions: readonly DrillRegion[],
  timeoutMs: number,
): Promise<DrillRegion> {
  let found: DrillRegion | undefined;
  const isSettled = async () => {
    const states = await Promise.all(
      regions.map(async (region) => {
        const { rows } = await region.pool.query<{
          leads: boolean;
          leader: string;
          cool: boolean;
        }>(
          `SELECT mr.leading() IS NOT NULL AS leads, leader,
             since < clock_timestamp() - interval '3 s' AS cool FROM mr.leadership`,
        );
        return { region, ...rows[0] };
      }),
    );
    const leading = states.filter(({ leads }) => leads);
    found = leading[0]?.region;
    return (
      leading.length === 1 &&
      states.every(({ leader, cool }) => leader === found?.id && cool === true)
    );
  };
  await until("one leader that all know", isSettled, { timeoutMs, everyMs: EVERY_MS });
  if (!found) throw new Error("Nobody leads");
  return found;
}

export function untilAnotherLeads(
  regions: readonly DrillRegion[],
  former: DrillRegion,
  timeoutMs: number,
): Promise<void> {
  const others = regions.filter((region) => region !== former);
  const isLed = async () => {
    const answers = await Promise.all(others.map(({ pool }) => leadingEpoch(pool)));
    return answers.some((epoch) => epoch !== null);
  };
  return until("another leader", isLed, { timeoutMs, everyMs: EVERY_MS });
}

/** Of the database's postmaster. */
export function databasePid(planet: ChildPlanet, region: RegionId): number {
  const pid = planet.cluster().regions.find(({ id }) => id === region)?.pid;
  if (!pid) throw new Error(`No process of ${region}`);
  return pid;
}

/** Those of an application that has been running: on a link of 110 ms one takes more than a second. */
export async function openConnections(
  regions: readonly DrillRegion[],
  { clients, topology }: Runtime,
): Promise<void> {
  const count = (topology.connections ?? STANDARD_CONNECTIONS) - 2;
  for (const { id: vantage } of regions) {
    for (const { id } of regions) {
      const hold = () => clients.write(vantage, id).$queryRaw`SELECT pg_sleep(0.3)::text`;
      // One that does not come about in time is opened by a write.
      await Promise.allSettled(Array.from({ length: count }, hold));
    }
  }
}

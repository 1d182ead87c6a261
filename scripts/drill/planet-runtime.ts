import { readFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { DEFAULT_FAILOVER_SETTINGS } from "@/lib/db/failover/settings";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Endpoints, Topology } from "@/lib/db/regions/topology";
import { STANDARD_DEFAULTS, STANDARD_QUORUM_HEDGE_MS } from "@/lib/policy-defaults";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import type { ChildPlanet } from "@/scripts/local/child-planet";

export interface DrillRegion {
  id: RegionId;
  /** As the owner, past the links. */
  pool: pg.Pool;
}

/** What a drill asks the regions of a planet by, and the topology of an application that runs on it. */
export function openPlanet(
  planet: ChildPlanet,
  { connections }: Pick<Topology, "connections"> = {},
): { regions: DrillRegion[]; topology: Topology } {
  const regions = planet.cluster().regions.map(({ id, directUrl }) => {
    const pool = new pg.Pool({ connectionString: directUrl, max: 4, query_timeout: 15_000 });
    pool.on("error", () => undefined);
    pool.on("connect", (client) => client.on("error", () => undefined));
    return { id: id as RegionId, pool };
  });
  const topology: Topology = {
    regions: DEFAULT_REGIONS.map((region) => ({ ...region, id: region.id as RegionId })),
    currentRegion: regions[0]!.id,
    sessionSecret: "",
    replicationSecret: "",
    failover: DEFAULT_FAILOVER_SETTINGS,
    defaults: STANDARD_DEFAULTS,
    quorumHedgeMs: STANDARD_QUORUM_HEDGE_MS,
    residencies: {},
    addressSecret: null,
    connections,
    endpoints: linksOf(planet),
  };
  return { regions, topology };
}

/** How code in one region of a planet reaches another. */
export function linksOf(planet: ChildPlanet): (vantage: string, region: string) => Endpoints {
  const { from } = JSON.parse(readFileSync(path.join(planet.dir, "links.json"), "utf8")) as {
    from: Record<string, Record<string, Endpoints>>;
  };
  return (vantage, region) => {
    const endpoints = from[vantage]?.[region];
    if (!endpoints) throw new Error(`No link from ${vantage} to ${region}`);
    return endpoints;
  };
}

import { readFileSync } from "node:fs";
import { z } from "zod";
import { getEnv, type DatabaseDriver, type Env, type RegionEnv } from "@/lib/env";
import { ConfigurationError } from "@/lib/errors";
import type { Residencies } from "@/lib/residencies";
import type { PolicyDefaults } from "@/lib/policy-defaults";
import { checkFailoverSettings, type FailoverSettings } from "@/lib/db/failover/settings";
import { asPeer } from "./peer-role";
import { byDistance, distanceKm, estimatedRoundTripMs } from "./distance";
import { parseRegionIdOf, type RegionId } from "./region-id";

export interface Region {
  readonly id: RegionId;
  readonly name: string;
  readonly city: string;
  readonly latitude: number;
  readonly longitude: number;
  /** Initial leader only; who leads now is in the databases. */
  readonly isPrimary: boolean;
}

/** How one region is reached from one place. */
export interface Endpoints {
  readonly read: string;
  readonly write: string;
  /** As the owner, not through a pooler. */
  readonly direct: string;
  /** For a worker of the vantage: as its role, which is told what its region may have; see peer-role.ts. */
  readonly peer: string;
  /** Null: no Redis, degraded bus. */
  readonly redis: string | null;
}

/** Regions and how code that runs in one of them (its vantage) reaches each. */
export interface Topology {
  readonly regions: readonly Region[];
  /** The region that this process runs in. */
  readonly currentRegion: RegionId;
  readonly sessionSecret: string;
  readonly replicationSecret: string;
  /** Null: the workers keep no lease and promote nobody. */
  readonly failover: FailoverSettings | null;
  /** What holds for entities whose policy does not say otherwise. */
  readonly defaults: PolicyDefaults;
  /** How much longer than its round trip, in ms, a region may take before a leaderless read asks another one. */
  readonly quorumHedgeMs: number;
  /** In which regions may be what is placed by a rule, by the rule's name. */
  readonly residencies: Residencies;
  /** Makes digests of addresses that are kept in some regions. Null: no account can be kept in some regions. */
  readonly addressSecret: string | null;
  /** Of a process to one endpoint, at most; by default 10. */
  readonly connections?: number;
  /** What the application speaks to its endpoints with. By default each host's own. */
  readonly driver?: DatabaseDriver | null;
  /** Through which it does so where databases take no WebSockets, `host:port`. */
  readonly neonProxy?: string | null;
  /** No workers run: requests and cron jobs do their part. */
  readonly serverless?: boolean;
  endpoints(vantage: RegionId, region: RegionId): Endpoints;
}

const linksSchema = z.object({
  from: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        read: z.string(),
        write: z.string(),
        direct: z.string(),
        peer: z.string(),
        redis: z.string().nullable(),
      }),
    ),
  ),
});

function readLinks(path: string): z.infer<typeof linksSchema> {
  try {
    return linksSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new ConfigurationError("MERIDIAN_LINKS is invalid: expected a readable links file.", {
      variables: ["MERIDIAN_LINKS"],
      cause,
    });
  }
}

/** Of every region, as code in one of them reaches it. */
function endpointsFrom(from: RegionEnv, regions: readonly RegionEnv[]): Map<string, Endpoints> {
  return new Map(
    regions.map(({ id, readUrl, writeUrl, directUrl, redisUrl }) => [
      id,
      {
        read: readUrl,
        write: writeUrl,
        direct: directUrl,
        peer: id === from.id ? directUrl : asPeer(directUrl, from.id, from.peerPassword),
        redis: redisUrl,
      },
    ]),
  );
}

export function topologyFromEnv(env: Env = getEnv()): Topology {
  const regions = env.regions.map((region) => ({
    id: region.id as RegionId,
    name: region.name,
    city: region.city,
    latitude: region.latitude,
    longitude: region.longitude,
    isPrimary: region.isPrimary,
  }));
  const plain = new Map<string, ReadonlyMap<string, Endpoints>>(
    env.regions.map((from) => [from.id, endpointsFrom(from, env.regions)]),
  );
  const links = env.linksPath === null ? null : readLinks(env.linksPath);
  return {
    regions,
    currentRegion: parseRegionIdOf(
      regions.map((region) => region.id),
      env.currentRegion,
    ),
    sessionSecret: env.authSecret,
    replicationSecret: env.replicationSecret,
    failover: checkFailoverSettings(env.failover),
    defaults: env.defaults,
    quorumHedgeMs: env.quorumHedgeMs,
    residencies: env.residencies,
    addressSecret: env.addressKey,
    connections: env.connections,
    driver: env.driver,
    neonProxy: env.neonProxy,
    serverless: env.serverless,
    endpoints(vantage, region) {
      const endpoints = links?.from[vantage]?.[region] ?? plain.get(vantage)?.get(region);
      if (!endpoints) throw new ConfigurationError(`Region ${region} has no endpoints.`);
      return endpoints;
    },
  };
}

export function findRegion(topology: Topology, id: RegionId): Region {
  const region = topology.regions.find((candidate) => candidate.id === id);
  if (!region) throw new ConfigurationError(`Region ${id} is not configured.`);
  return region;
}

export function regionIds(topology: Topology): readonly RegionId[] {
  return topology.regions.map((region) => region.id);
}

/** Every region from near to far of a vantage, itself first. */
export function regionsByDistance(topology: Topology, vantage: RegionId): Region[] {
  return byDistance(topology.regions, findRegion(topology, vantage));
}

/** Round trip in ms to expect between two regions before one was measured. */
export function expectedRoundTripMs(topology: Topology, from: RegionId, to: RegionId): number {
  return estimatedRoundTripMs(distanceKm(findRegion(topology, from), findRegion(topology, to)));
}

/** The same for regions one of which may be registered and not configured here yet: as far as can be. */
export function distanceIn(topology: Topology): (from: RegionId, to: RegionId) => number {
  const known = new Set(regionIds(topology));
  return (from, to) =>
    known.has(from) && known.has(to)
      ? expectedRoundTripMs(topology, from, to)
      : Number.MAX_SAFE_INTEGER;
}

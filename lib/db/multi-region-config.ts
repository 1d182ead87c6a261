import type { PrismaClient } from "@/lib/generated/prisma/client";
import { getEnv } from "@/lib/env";
import { parseRegionCatalogue } from "@/lib/region-catalogue";
import { byDistance } from "./regions/distance";
import { parseRegionIdOf, type RegionId } from "./regions/region-id";
import { defaultRuntime, type Runtime } from "./regions/runtime";
import { regionIds, regionsByDistance } from "./regions/topology";
import type { Residencies } from "@/lib/residencies";

export type { RegionId } from "./regions/region-id";

export interface RegionConfig {
  readonly id: RegionId;
  readonly name: string;
  readonly city: string;
  /** Initial leader of single-leader entities; who leads now is in the databases. */
  readonly isPrimary: boolean;
  readonly latitude: number;
  readonly longitude: number;
  /** Connection URL, a secret. Reading it parses the environment. */
  readonly readEndpoint: string;
  /** Connection URL, a secret. Reading it parses the environment. */
  readonly writeEndpoint: string;
}

/** The configured regions. Importing this opens nothing and needs no endpoint to be set. */
export const REGIONS: readonly RegionConfig[] = parseRegionCatalogue(
  process.env.MERIDIAN_REGIONS,
).map((entry) => {
  const endpoint = () => getEnv().regions.find((region) => region.id === entry.id);
  return {
    id: entry.id as RegionId,
    name: entry.name,
    city: entry.city,
    isPrimary: entry.isPrimary,
    latitude: entry.latitude,
    longitude: entry.longitude,
    get readEndpoint() {
      return endpoint()?.readUrl ?? "";
    },
    get writeEndpoint() {
      return endpoint()?.writeUrl ?? "";
    },
  };
});

/** Throws UnknownRegionError. */
export function parseRegionId(value: string): RegionId {
  return parseRegionIdOf(
    REGIONS.map((region) => region.id),
    value,
  );
}

/** The nearest region to a place in degrees, by great-circle distance. */
export function findNearestRegion(latitude: number, longitude: number): RegionConfig {
  const [nearest] = byDistance(REGIONS, { latitude, longitude });
  if (!nearest) throw new RangeError("No region is configured");
  return nearest;
}

/** Clients of every region, as reached from one vantage. */
export class MultiRegionDb {
  constructor(
    private readonly runtime: () => Runtime = defaultRuntime,
    private readonly vantageId?: RegionId,
  ) {}

  /** The region that the calling code runs in. */
  get vantage(): RegionId {
    return this.vantageId ?? this.runtime().topology.currentRegion;
  }

  /** The same regions as reached from another one. */
  from(vantage: RegionId): MultiRegionDb {
    return new MultiRegionDb(this.runtime, vantage);
  }

  /** Opened at first use and shared. Throws UnknownRegionError. */
  getReadClient(regionId: string): PrismaClient {
    return this.runtime().clients.read(this.vantage, this.parse(regionId));
  }

  /**
   * The region's own writer, for multi-leader entities; without an argument that of the current
   * leader, for single-leader ones. Throws UnknownRegionError.
   */
  getWriteClient(regionId?: string): PrismaClient {
    const region = regionId === undefined ? this.getLeader().region : this.parse(regionId);
    return this.runtime().clients.write(this.vantage, region);
  }

  /** As the vantage's database last knew it; before that is known, the configured primary. */
  getLeader(): { region: RegionId; epoch: number } {
    return this.runtime().state.leader(this.vantage);
  }

  /** The configured rules of where things may be, by name. */
  residencies(): Residencies {
    return this.runtime().topology.residencies;
  }

  /** What digests of addresses are made with, a secret; null where there is none. */
  addressSecret(): string | null {
    return this.runtime().topology.addressSecret;
  }

  /** Regions from near to far of the vantage, those that cannot be reached at the end. */
  regionsInOrder(preferred: RegionId = this.vantage): RegionId[] {
    const order = regionsByDistance(this.runtime().topology, preferred).map((region) => region.id);
    const healthy = (id: RegionId) => this.runtime().state.isHealthy(this.vantage, id);
    return [...order.filter(healthy), ...order.filter((id) => !healthy(id))];
  }

  /** Whether each region can be reached, as far as this process knows. Asks nobody. */
  getRegionHealth(): Map<string, boolean> {
    const { topology, state } = this.runtime();
    return new Map(regionIds(topology).map((id) => [id, state.isHealthy(this.vantage, id)]));
  }

  private parse(regionId: string): RegionId {
    return parseRegionIdOf(regionIds(this.runtime().topology), regionId);
  }
}

export const multiRegionDb = new MultiRegionDb();

import path from "node:path";
import { errorMessage } from "@/lib/errors";
import { maskCredentials } from "@/lib/log";
import type { PolicyDefaults } from "@/lib/policy-defaults";
import { readCatalogue, type Catalogue } from "@/scripts/drift/catalogue";
import { compareCatalogues, type Difference } from "@/scripts/drift/compare";
import { diffWithPrismaSchema } from "@/scripts/drift/schema-engine";
import { withReplay } from "@/scripts/drift/shadow";
import { projectRoot } from "@/scripts/local/paths";
import { withClient } from "@/scripts/with-client";

export interface DriftOptions {
  regions: readonly { id: string; directUrl: string }[];
  migrationsDir?: string;
  schemaPath?: string;
  /** What the entities were declared under. */
  defaults?: PolicyDefaults;
}

export interface RegionDrift {
  regionId: string;
  /** Against a fresh replay of the migrations. */
  differences: Difference[];
  /** Set when the region could not be read. */
  error?: string;
}

export interface DriftReport {
  clean: boolean;
  /** SQL that would bring the migrations to the Prisma schema; null when they agree. */
  schemaScript: string | null;
  regions: RegionDrift[];
}

async function checkRegion(
  region: { id: string; directUrl: string },
  expected: Catalogue,
): Promise<RegionDrift> {
  try {
    const actual = await withClient(region.directUrl, "meridian-drift", readCatalogue);
    return { regionId: region.id, differences: compareCatalogues(expected, actual) };
  } catch (error) {
    return { regionId: region.id, differences: [], error: maskCredentials(errorMessage(error)) };
  }
}

/**
 * Replays the migrations into a database of their own and compares that with the Prisma schema and
 * with every region. Regions that all agree with the replay agree with each other.
 */
export async function checkDrift(options: DriftOptions): Promise<DriftReport> {
  const [first] = options.regions;
  if (!first) throw new Error("There is no region to check.");
  const schemaPath = options.schemaPath ?? path.join(projectRoot, "prisma/schema.prisma");
  const replay = async (shadowUrl: string): Promise<DriftReport> => {
    const schemaScript = await diffWithPrismaSchema(shadowUrl, schemaPath);
    const expected = await withClient(shadowUrl, "meridian-drift", readCatalogue);
    const regions = await Promise.all(
      options.regions.map((region) => checkRegion(region, expected)),
    );
    const clean =
      schemaScript === null &&
      regions.every((region) => region.error === undefined && region.differences.length === 0);
    return { clean, schemaScript, regions };
  };
  return withReplay(first.directUrl, options.migrationsDir, replay, options.defaults);
}

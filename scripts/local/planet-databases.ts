import { parsePolicyDefaults, type EnvSource } from "@/lib/env";
import { errorMessage, MeridianError } from "@/lib/errors";
import { isLoopback } from "@/scripts/local/planet-env";
import type { PlanetReport } from "@/scripts/local/planet-report";
import { migrateRegions, type MigratableRegion } from "@/scripts/migrate-runner";
import { seedDemo, type SeedReport } from "@/scripts/seed-runner";

export class MigrationError extends MeridianError {
  constructor(reasons: readonly string[]) {
    super("migration", `Migrations failed.\n${reasons.join("\n")}`);
  }
}

export interface PrepareOptions {
  databases: readonly MigratableRegion[];
  /** None of them was given in the environment. */
  allOurs: boolean;
  /** Also databases on other machines: those are not changed without being asked to. */
  migrate: boolean;
  source: EnvSource;
  report: PlanetReport;
}

async function migrate(databases: readonly MigratableRegion[], source: EnvSource): Promise<void> {
  const reports = await migrateRegions(databases, { defaults: parsePolicyDefaults(source) });
  const failed = reports.filter(({ ok }) => !ok);
  if (failed.length === 0) return;
  throw new MigrationError(failed.map(({ regionId, error }) => `${regionId}: ${error?.message}`));
}

/** Null when it did not work: another leader may refuse the writes, and nothing else needs them. */
async function seed(options: PrepareOptions): Promise<SeedReport | null> {
  const leader = options.databases.find(({ isPrimary }) => isPrimary);
  if (!leader) return null;
  const environment = options.allOurs
    ? { ...options.source, MERIDIAN_LOCAL_PLANET: "1" }
    : options.source;
  try {
    return await seedDemo({
      leaderDirectUrl: leader.directUrl,
      regions: options.databases,
      environment,
    });
  } catch (error) {
    options.report.event(`demo accounts: ${errorMessage(error)}`);
    return null;
  }
}

/**
 * Brings the databases to the current schema and makes the demo accounts.
 *
 * @throws MigrationError
 */
export async function prepareDatabases(options: PrepareOptions): Promise<SeedReport | null> {
  const { databases, report } = options;
  if (!options.migrate && !databases.every(({ directUrl }) => isLoopback(directUrl))) {
    report.note("Migrations: left to `npm run db:migrate`, the databases are not local");
    return null;
  }
  await report.step("Migrations", () => migrate(databases, options.source));
  return report.step("Demo accounts and documents", () => seed(options));
}

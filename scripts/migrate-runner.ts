import { Client, DatabaseError, escapeIdentifier, escapeLiteral } from "pg";
import { peerRole } from "@/lib/db/regions/peer-role";
import { ConfigurationError, errorMessage, MeridianError } from "@/lib/errors";
import { maskCredentials } from "@/lib/log";
import { STANDARD_DEFAULTS, type PolicyDefaults } from "@/lib/policy-defaults";
import { MIGRATIONS_DIR, readMigrations, type MigrationFile } from "@/scripts/migration-files";
import { declareEntities } from "@/scripts/declare-entities";
import {
  applyMigration,
  ensureHistoryTable,
  forgetFailures,
  pendingMigrations,
} from "@/scripts/migration-history";

/** Of the roles that workers reach other regions as, by the workers' region. */
export type PeerPasswords = Readonly<Record<string, string>>;

export interface MigratableRegion {
  id: string;
  /** As the owner, and not through a pooler. */
  directUrl: string;
  isPrimary: boolean;
  /** Lets the role meridian_app log in with this password. */
  appPassword?: string;
  /** Lets the workers of other regions log in with these, by region. */
  peerPasswords?: PeerPasswords;
}

export interface MigrateOptions {
  /** Folder of the migrations. Default: prisma/migrations. */
  dir?: string;
  /** Every region that replicates. Default: the ids of the given regions. */
  allRegionIds?: readonly string[];
  /** Password of meridian_app in regions that give none of their own. */
  appPassword?: string;
  /** Apply migrations again that failed before. */
  retryFailed?: boolean;
  /** Name each database's region after migrating. Off for databases that are no region. */
  initialise?: boolean;
  /** For entities that leave their topology or durability open. Default: those of no configuration. */
  defaults?: PolicyDefaults;
  log?: (line: string) => void;
}

export interface RegionReport {
  regionId: string;
  ok: boolean;
  /** Migrations applied by this run, in order. */
  applied: string[];
  /** Number of migrations that had been applied before. */
  already: number;
  ms: number;
  error?: { code: string; message: string };
}

const ADVISORY_LOCK = 72_707_369; // the one Prisma takes: its migrate and ours exclude each other
const CONNECT_TIMEOUT_MS = 15_000;
const LOCK_TIMEOUT_MS = 60_000;

const CONCURRENT_UPDATE = "XX000"; // "tuple concurrently updated": another database, same cluster
const ROLE_ATTEMPTS = 5;

/** A session lock taken through a transaction pooler would lock nothing. */
function refusePooler(url: string): void {
  if (new URL(url).hostname.includes("-pooler.")) {
    throw new ConfigurationError(
      "The direct URL points at a pooler: give the database's own host.",
    );
  }
}

async function letLogIn(
  client: Pick<Client, "query">,
  role: string,
  password: string,
): Promise<void> {
  const statement = `ALTER ROLE ${escapeIdentifier(role)} LOGIN PASSWORD ${escapeLiteral(password)}`;
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(statement);
      return;
    } catch (error) {
      const again = error instanceof DatabaseError && error.code === CONCURRENT_UPDATE;
      if (!again || attempt === ROLE_ATTEMPTS) throw error;
    }
  }
}

/** Lets the workers of other regions log in at the database of `region`. */
export async function admitPeers(
  client: Pick<Client, "query">,
  region: string,
  passwords: PeerPasswords,
): Promise<void> {
  for (const [reader, password] of Object.entries(passwords)) {
    if (reader === region) continue;
    await client.query("SELECT mr.make_peer_role($1)", [reader]);
    await letLogIn(client, peerRole(reader), password);
  }
}

/**
 * Applies what is pending to one database and declares the entities, under the lock. Fills the
 * report as it goes.
 */
async function migrateDatabase(
  client: Client,
  files: readonly MigrationFile[],
  report: RegionReport,
  options: MigrateOptions,
): Promise<void> {
  await client.query("SELECT pg_advisory_lock($1)", [ADVISORY_LOCK]);
  await ensureHistoryTable(client);
  if (options.retryFailed) await forgetFailures(client);
  const pending = await pendingMigrations(client, files);
  report.already = files.length - pending.length;
  for (const file of pending) {
    options.log?.(`${report.regionId}: ${file.name}`);
    await applyMigration(client, file);
    report.applied.push(file.name);
  }
  // Other histories than the project's own may have no entities.
  if (options.dir === undefined) {
    await declareEntities(client, options.defaults ?? STANDARD_DEFAULTS);
  }
}

async function migrateRegion(
  region: MigratableRegion,
  leaderId: string,
  files: readonly MigrationFile[],
  options: MigrateOptions & { allRegionIds: readonly string[] },
): Promise<RegionReport> {
  const report: RegionReport = { regionId: region.id, ok: false, applied: [], already: 0, ms: 0 };
  const startedAt = performance.now();
  let client: Client | undefined;
  try {
    refusePooler(region.directUrl);
    client = new Client({
      connectionString: region.directUrl,
      application_name: "meridian-migrate",
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
    });
    client.on("error", () => undefined); // the running query reports it
    await client.connect();
    await migrateDatabase(client, files, report, options);
    if (options.initialise ?? true) {
      await client.query("SELECT mr.init_region($1, $2, $3::text[])::text", [
        region.id,
        leaderId,
        options.allRegionIds,
      ]);
    }
    const appPassword = region.appPassword ?? options.appPassword;
    if (appPassword !== undefined) await letLogIn(client, "meridian_app", appPassword);
    await admitPeers(client, region.id, region.peerPasswords ?? {});
    report.ok = true;
  } catch (error) {
    const code =
      error instanceof MeridianError || error instanceof DatabaseError ? error.code : undefined;
    report.error = { code: code ?? "unreachable", message: maskCredentials(errorMessage(error)) };
  } finally {
    // Ending the session gives the lock back.
    await client?.end().catch(() => undefined);
    report.ms = Math.round(performance.now() - startedAt);
  }
  return report;
}

/**
 * Brings every region to the same history, all of them at once and each under its own lock. A
 * region that fails does not stop the others: look at `ok` of each report.
 *
 * @throws ConfigurationError when not exactly one region is the primary
 */
export async function migrateRegions(
  regions: readonly MigratableRegion[],
  options: MigrateOptions = {},
): Promise<RegionReport[]> {
  const [primary, ...others] = regions.filter((region) => region.isPrimary);
  if (!primary || others.length > 0) {
    throw new ConfigurationError("Exactly one of the regions to migrate has to be the primary.");
  }
  const files = await readMigrations(options.dir ?? MIGRATIONS_DIR);
  const allRegionIds = options.allRegionIds ?? regions.map((region) => region.id);
  return Promise.all(
    regions.map((region) => migrateRegion(region, primary.id, files, { ...options, allRegionIds })),
  );
}

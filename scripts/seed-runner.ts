import type { ClientBase } from "pg";
import { hashPassword } from "@/lib/auth/password";
import type { EnvSource } from "@/lib/env";
import { PgRegionControl } from "@/lib/db/failover/pg-region-control";
import { renewLease } from "@/lib/db/failover/renew";
import type { RegionId } from "@/lib/db/regions/region-id";
import { connectStore } from "@/lib/db/replication/store";
import { ConfigurationError, MeridianError } from "@/lib/errors";
import { toBest } from "@/lib/gaming/score";
import {
  DEMO_ACCOUNTS,
  DEMO_ARTICLES,
  DEMO_DOCUMENTS,
  DEMO_PRODUCTS,
  DEMO_SCORES,
  type DemoDocument,
} from "@/scripts/seed-data";
import { withClient } from "@/scripts/with-client";

/** Printed by `npm run dev` and in the README: worth nothing, and only good for a local database. */
export const DEMO_PASSWORD = "meridian-demo";

const SEED_LOCK = 72_707_371;

/** The least that may be configured: workers that start meanwhile must not think it over before it is. */
const SEED_LEASE_MS = 500;
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const MIN_PASSWORD_LENGTH = 12;

export interface SeedOptions {
  /** Direct URL of the region that leads: accounts are written there alone. */
  leaderDirectUrl: string;
  /** All regions: where no worker has taken a lease yet, it is asked of them. */
  regions?: readonly { id: string; directUrl: string }[];
  /** Read for SEED_PASSWORD, NODE_ENV and MERIDIAN_LOCAL_PLANET. Default: this process's. */
  environment?: EnvSource;
}

export interface SeedReport {
  password: string;
  accounts: { email: string; role: string; created: boolean }[];
  /** Number of documents that were not there before. */
  documentsCreated: number;
  /** The same of products. */
  productsCreated: number;
  /** The same of players on the board. */
  scoresCreated: number;
  /** The same of articles. */
  articlesCreated: number;
}

/**
 * An administrator whose password everybody knows must never reach a database that others can
 * reach: there the password has to be given.
 *
 * @throws ConfigurationError
 */
export function chooseSeedPassword(leaderDirectUrl: string, environment: EnvSource): string {
  const given = environment.SEED_PASSWORD;
  if (given) {
    if (given.length >= MIN_PASSWORD_LENGTH) return given;
    throw new ConfigurationError(
      `SEED_PASSWORD is invalid: expected at least ${MIN_PASSWORD_LENGTH} characters.`,
      { variables: ["SEED_PASSWORD"] },
    );
  }
  const isPlanet = ["1", "true"].includes(environment.MERIDIAN_LOCAL_PLANET ?? "");
  const isLoopback = LOOPBACK.includes(new URL(leaderDirectUrl).hostname);
  if (isPlanet || (isLoopback && environment.NODE_ENV !== "production")) return DEMO_PASSWORD;
  throw new ConfigurationError(
    "SEED_PASSWORD is missing: expected the password of the demo accounts, because the usual one " +
      "is public and this is not a local database.",
    { variables: ["SEED_PASSWORD"] },
  );
}

async function findUserIds(client: ClientBase): Promise<Map<string, string>> {
  const { rows } = await client.query<{ id: string; email: string }>(
    `SELECT id, email FROM "User" WHERE email = ANY ($1)`,
    [DEMO_ACCOUNTS.map((account) => account.email)],
  );
  return new Map(rows.map((row) => [row.email, row.id]));
}

async function insertMissingAccounts(
  client: ClientBase,
  existing: ReadonlyMap<string, string>,
  password: string,
  regions: readonly { id: string; directUrl: string }[],
): Promise<void> {
  const missing = DEMO_ACCOUNTS.filter(({ email }) => !existing.has(email));
  if (missing.length === 0) return;
  // Hashed before, and all at once: the lease is short, and until a worker runs nobody grants another.
  const hashes = await Promise.all(missing.map(() => hashPassword(password)));
  await ensureLease(client, regions);
  await client.query(
    `INSERT INTO "User" (email, name, role, "passwordHash")
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])`,
    [
      missing.map(({ email }) => email),
      missing.map(({ name }) => name),
      missing.map(({ role }) => role),
      hashes,
    ],
  );
}

/** Returns whether it was inserted; a document that a visitor deleted stays deleted. */
async function insertDocument(
  client: ClientBase,
  document: DemoDocument,
  userIds: ReadonlyMap<string, string>,
): Promise<boolean> {
  const ownerId = userIds.get(document.ownerEmail);
  const inserted = await client.query(
    `WITH created AS (
       INSERT INTO "Document" (id, title, content, "ownerId") VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO NOTHING RETURNING *)
     INSERT INTO "DocumentVersion" ("documentId", title, content, "authorId", "regionId")
     SELECT id, title, content, "ownerId", mr.local_region() FROM created`,
    [document.id, document.title, document.content, ownerId],
  );
  if (inserted.rowCount === 0) return false;
  for (const { email, role } of document.sharedWith) {
    await client.query(
      `INSERT INTO "Collaborator" (id, "documentId", "userId", role)
       VALUES ($1 || ':' || $2, $1, $2, $3) ON CONFLICT (id) DO NOTHING`,
      [document.id, userIds.get(email), role],
    );
  }
  return true;
}

/** One that is there keeps what is left of it. The other regions ask for their share of the rights. */
async function insertMissingProducts(client: ClientBase): Promise<number> {
  let created = 0;
  for (const { id, name, stock } of DEMO_PRODUCTS) {
    const { rowCount } = await client.query(
      `INSERT INTO "Product" (id, name, stock) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
      [id, name, stock],
    );
    created += rowCount ?? 0;
  }
  return created;
}

/** Played in all regions in turn. Who has played meanwhile keeps what they reached. */
async function insertMissingScores(
  client: ClientBase,
  regions: readonly { id: string }[],
): Promise<number> {
  const { rowCount } = await client.query(
    `INSERT INTO "PlayerScore" (id, name, "regionId", best)
     SELECT t.id, t.id, coalesce(t.region, mr.local_region()), t.best
     FROM unnest($1::text[], $2::text[], $3::bigint[]) t(id, region, best) ON CONFLICT (id) DO NOTHING`,
    [
      DEMO_SCORES.map(({ playerId }) => playerId),
      DEMO_SCORES.map((_, n) => regions[n % regions.length]?.id ?? null),
      DEMO_SCORES.map(({ score, atMs }) => toBest(score, atMs)),
    ],
  );
  return rowCount ?? 0;
}

/**
 * One that is there is left as it is. A published one is made and published by one statement each, so that its
 * history begins as any other's.
 */
async function insertMissingArticles(
  client: ClientBase,
  userIds: ReadonlyMap<string, string>,
): Promise<number> {
  const author = userIds.get("writer@example.com");
  const reviewer = userIds.get("admin@example.com");
  let created = 0;
  for (const { slug, title, body, published } of DEMO_ARTICLES) {
    const { rowCount } = await client.query(
      `WITH created AS (
         INSERT INTO "ContentItem" (id, title, body, "authorId", "updatedBy") VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (id) DO NOTHING RETURNING *)
       INSERT INTO "ContentVersion"
         (id, "contentId", action, title, body, "contentClock", "authorId", "regionId")
       SELECT id || ':created', id, 'created', title, body, clock, "authorId", mr.local_region() FROM created`,
      [slug, title, body, author],
    );
    created += rowCount ?? 0;
    if (!published) continue;
    await client.query(
      `WITH published AS (
         UPDATE "ContentItem" SET stage = 'approved', "updatedAt" = now(), "updatedBy" = $2,
           live = lpad(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint::text, 15, '0')
             || ' ' || id || ':published'
         WHERE id = $1 AND live IS NULL AND stage = 'draft'
           AND EXISTS (SELECT FROM "ContentVersion" v WHERE v.id = $1 || ':created') RETURNING *)
       INSERT INTO "ContentVersion"
         (id, "contentId", action, title, body, "contentClock", "authorId", "regionId")
       SELECT id || ':published', id, 'published', title, body, clock, $2, mr.local_region() FROM published
       ON CONFLICT (id) DO NOTHING`,
      [slug, reviewer],
    );
  }
  return created;
}

/** Before the first worker runs nobody has renewed the lease: then it is renewed here, once. */
async function ensureLease(
  client: ClientBase,
  regions: readonly { id: string; directUrl: string }[],
): Promise<void> {
  const { rows } = await client.query<{ settled: boolean; epoch: string; region: RegionId }>(
    // Another region's lease is not ours to take: there the insert is refused.
    `SELECT mr.leading() IS NOT NULL OR leader <> mr.local_region() AS settled, epoch::text,
       mr.local_region() AS region
     FROM mr.leadership`,
  );
  const row = rows[0];
  if (!row || row.settled) return;
  const pools = regions.map(({ id, directUrl }) => ({
    id: id as RegionId,
    pool: connectStore(directUrl, { max: 1 }),
  }));
  try {
    const outcome = await renewLease(
      {
        controls: new Map(pools.map(({ id, pool }) => [id, new PgRegionControl(id, pool)])),
        settings: { leaseMs: SEED_LEASE_MS },
      },
      BigInt(row.epoch),
      row.region,
      pools.map(({ id }) => id),
    );
    if (outcome.kind === "refused") {
      throw new MeridianError("no-lease", `${row.region} cannot lead: ${outcome.reason}.`);
    }
  } finally {
    await Promise.all(pools.map(({ pool }) => pool.end()));
  }
}

/**
 * Creates the demo accounts, documents, products, scores and articles that are missing; what is there is left as it is.
 *
 * @throws ConfigurationError when the database is not a local one and no password was given
 */
export async function seedDemo(options: SeedOptions): Promise<SeedReport> {
  const password = chooseSeedPassword(options.leaderDirectUrl, options.environment ?? process.env);
  return withClient(options.leaderDirectUrl, "meridian-seed", async (client) => {
    // Outside of a transaction: hashing takes a while, and an open one holds every position back.
    await client.query("SELECT pg_advisory_lock($1)", [SEED_LOCK]);
    const before = await findUserIds(client);
    await insertMissingAccounts(client, before, password, options.regions ?? []);
    const userIds = await findUserIds(client);
    let documentsCreated = 0;
    for (const document of DEMO_DOCUMENTS) {
      if (await insertDocument(client, document, userIds)) documentsCreated++;
    }
    const productsCreated = await insertMissingProducts(client);
    const scoresCreated = await insertMissingScores(client, options.regions ?? []);
    const articlesCreated = await insertMissingArticles(client, userIds);
    return {
      password,
      accounts: DEMO_ACCOUNTS.map(({ email, role }) => ({
        email,
        role,
        created: !before.has(email),
      })),
      documentsCreated,
      productsCreated,
      scoresCreated,
      articlesCreated,
    };
  });
}

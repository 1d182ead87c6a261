import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRegions, type TestRegions } from "@/__tests__/support/stores";
import { verifyPassword } from "@/lib/auth/password";
import {
  DEMO_ACCOUNTS,
  DEMO_ARTICLES,
  DEMO_DOCUMENTS,
  DEMO_PRODUCTS,
  DEMO_SCORES,
} from "@/scripts/seed-data";
import { chooseSeedPassword, DEMO_PASSWORD, seedDemo } from "@/scripts/seed-runner";

let cluster: TestRegions;

beforeAll(async () => {
  cluster = await createRegions({ count: 2 });
});

afterAll(() => cluster.drop());

test("creates accounts and shared documents, and a second run creates nothing", async () => {
  const [leader] = cluster.regions;
  const seed = () => seedDemo({ leaderDirectUrl: leader!.directUrl, environment: {} });
  const [first, second] = await Promise.all([seed(), seed()]);
  const created = [first, second].map((report) => ({
    accounts: report.accounts.filter((account) => account.created).length,
    documents: report.documentsCreated,
    products: report.productsCreated,
    scores: report.scoresCreated,
    articles: report.articlesCreated,
  }));
  expect(created).toContainEqual({
    accounts: DEMO_ACCOUNTS.length,
    documents: DEMO_DOCUMENTS.length,
    products: DEMO_PRODUCTS.length,
    scores: DEMO_SCORES.length,
    articles: DEMO_ARTICLES.length,
  });
  expect(created).toContainEqual({
    accounts: 0,
    documents: 0,
    products: 0,
    scores: 0,
    articles: 0,
  });

  const { rows } = await leader!.pool.query<{ passwordHash: string }>(
    `SELECT "passwordHash" FROM "User" WHERE email = 'admin@example.com' AND role = 'admin'`,
  );
  expect(rows).toHaveLength(1);
  expect(await verifyPassword(DEMO_PASSWORD, rows[0]!.passwordHash)).toBe(true);
  const shares = await leader!.pool.query(
    `SELECT FROM "Collaborator" c JOIN "Document" d ON d.id = c."documentId"
     JOIN "User" u ON u.id = c."userId" JOIN "DocumentVersion" v ON v."documentId" = d.id
     WHERE c.id = d.id || ':' || u.id`,
  );
  expect(shares.rowCount).toBe(DEMO_DOCUMENTS.flatMap((document) => document.sharedWith).length);
});

test("makes all accounts under the one lease that is granted before a worker runs", async () => {
  const slow = await createRegions({ realLeases: true });
  try {
    const [leader] = slow.regions;
    // Of half a second: with a statement for each account it would end before the last.
    await leader!.pool.query(`
      CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$;
      CREATE TRIGGER slowly AFTER INSERT ON "User" FOR EACH STATEMENT EXECUTE FUNCTION slowly()`);
    const report = await seedDemo({
      leaderDirectUrl: leader!.directUrl,
      regions: slow.regions,
      environment: {},
    });
    expect(report.accounts.filter(({ created }) => created)).toHaveLength(DEMO_ACCOUNTS.length);
    expect(report.documentsCreated).toBe(DEMO_DOCUMENTS.length);
  } finally {
    await slow.drop();
  }
});

test("is refused by a region that does not lead", async () => {
  await expect(
    seedDemo({ leaderDirectUrl: cluster.regions[1]!.directUrl, environment: {} }),
  ).rejects.toThrow(/leading region/);
});

describe("the public password", () => {
  const local = "postgresql://o@127.0.0.1:5432/d";
  const remote = "postgresql://o@db.example/d";

  test("is for local databases, or for the local planet wherever it runs", () => {
    expect(chooseSeedPassword(local, {})).toBe(DEMO_PASSWORD);
    expect(chooseSeedPassword(remote, { MERIDIAN_LOCAL_PLANET: "1" })).toBe(DEMO_PASSWORD);
    const production = { NODE_ENV: "production" };
    expect(chooseSeedPassword(local, { ...production, MERIDIAN_LOCAL_PLANET: "1" })).toBe(
      DEMO_PASSWORD,
    );
    expect(() => chooseSeedPassword(local, production)).toThrow(/^SEED_PASSWORD is missing/);
    expect(() => chooseSeedPassword(remote, {})).toThrow(/^SEED_PASSWORD is missing/);
  });

  test("gives way to one that is long enough", () => {
    expect(chooseSeedPassword(remote, { SEED_PASSWORD: "a-longer-password" })).toBe(
      "a-longer-password",
    );
    expect(() => chooseSeedPassword(local, { SEED_PASSWORD: "short" })).toThrow(/12 characters/);
  });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createEmptyDatabase,
  dropDatabase,
  waitFor,
  withAdmin,
  testStores,
} from "@/__tests__/support/stores";
import { asPeer } from "@/lib/db/regions/peer-role";
import { migrateRegions, type MigrateOptions, type RegionReport } from "@/scripts/migrate-runner";
import { MIGRATIONS_DIR, readMigrations } from "@/scripts/migration-files";

const FIRST = `CREATE TABLE a (id int PRIMARY KEY);`;
const SECOND = `CREATE TABLE b (id int);\nINSERT INTO b VALUES (1), (2); -- no newline at the end`;

let dir: string;
let regions: { id: string; directUrl: string; isPrimary: boolean }[];

async function write(name: string, sql: string): Promise<void> {
  await mkdir(path.join(dir, name), { recursive: true });
  await writeFile(path.join(dir, name, "migration.sql"), sql);
}

function migrate(options: MigrateOptions = {}): Promise<RegionReport[]> {
  return migrateRegions(regions, { dir, initialise: false, ...options });
}

async function query<R extends Record<string, unknown>>(region: number, sql: string): Promise<R[]> {
  return withAdmin(regions[region]!.directUrl, async (client) => (await client.query<R>(sql)).rows);
}

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "meridian-migrations-"));
  await write("1_first", FIRST);
  await write("2_second", SECOND);
  regions = await Promise.all(
    testStores().clusters.map(async (cluster, index) => ({
      id: cluster.regionId,
      directUrl: await createEmptyDatabase(cluster),
      isPrimary: index === 0,
    })),
  );
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
  const left = await Promise.all(
    testStores().clusters.map((cluster, index) =>
      dropDatabase(cluster.adminUrl, new URL(regions[index]!.directUrl).pathname.slice(1)),
    ),
  );
  expect(left.flat()).toEqual([]);
});

describe("a folder of migrations", () => {
  test("reaches every region once, in order, and a second run has nothing to do", async () => {
    const first = await migrate();
    expect(first.map((report) => report.regionId)).toEqual(regions.map((region) => region.id));
    for (const report of first) {
      expect(report).toMatchObject({ ok: true, applied: ["1_first", "2_second"], already: 0 });
    }
    for (const report of await migrate()) {
      expect(report).toMatchObject({ ok: true, applied: [], already: 2 });
    }
    expect(await query(2, "SELECT id FROM b ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test("leaves the rows that Prisma would", async () => {
    await migrate();
    const rows = await query<{ migration_name: string; checksum: string; done: boolean }>(
      0,
      `SELECT migration_name, checksum, applied_steps_count AS steps, logs, rolled_back_at,
              finished_at >= started_at AS done
       FROM _prisma_migrations ORDER BY migration_name`,
    );
    const files = await readMigrations(dir);
    expect(rows).toEqual(
      files.map((file) => ({
        migration_name: file.name,
        checksum: file.checksum,
        steps: 1,
        logs: null,
        rolled_back_at: null,
        done: true,
      })),
    );
  });

  test("several runs at once apply each file once", async () => {
    const runs = await Promise.all(Array.from({ length: 5 }, () => migrate()));
    for (const reports of runs)
      expect(reports.map((report) => report.error)).toEqual([undefined, undefined, undefined]);
    const applied = runs.map((reports) => reports[0]!.applied.length);
    expect(applied.sort()).toEqual([0, 0, 0, 0, 2]);
  });
});

describe("refuses", () => {
  test("a file that was edited after it was applied", async () => {
    await migrate();
    await write("1_first", `${FIRST} -- edited`);
    await write("3_third", "CREATE TABLE c (id int)");
    for (const report of await migrate()) {
      expect(report).toMatchObject({ ok: false, applied: [], error: { code: "migration-edited" } });
      expect(report.error?.message).toContain("1_first");
    }
  });

  test("a database that is ahead of this checkout", async () => {
    await migrate();
    await rm(path.join(dir, "2_second"), { recursive: true });
    for (const report of await migrate()) expect(report.error?.code).toBe("migration-unknown");
  });

  test("to go past a failure, until told to retry it; nothing of it stays", async () => {
    await write("3_third", "CREATE TABLE c (id int); SELECT 1 / 0;");
    for (const report of await migrate()) {
      expect(report).toMatchObject({ ok: false, applied: ["1_first", "2_second"] });
      expect(report.error).toEqual({
        code: "migration-error",
        message: "3_third failed: division by zero",
      });
    }
    expect(await query(1, "SELECT to_regclass('c')::text AS c")).toEqual([{ c: null }]);
    expect(await query(1, "SELECT logs FROM _prisma_migrations WHERE finished_at IS NULL")).toEqual(
      [{ logs: "division by zero" }],
    );

    await write("3_third", "CREATE TABLE c (id int);");
    for (const report of await migrate()) expect(report.error?.code).toBe("migration-failed");
    for (const report of await migrate({ retryFailed: true })) {
      expect(report).toMatchObject({ ok: true, applied: ["3_third"], already: 2 });
    }
  });

  test("two leaders, and a pooler's address", async () => {
    await expect(
      migrateRegions(regions.map((region) => ({ ...region, isPrimary: true }))),
    ).rejects.toThrow(/Exactly one/);
    const [report] = await migrateRegions([
      { id: "a", directUrl: "postgresql://o@ep-x-pooler.example/d", isPrimary: true },
    ]);
    expect(report).toMatchObject({ ok: false, error: { code: "configuration" } });
  });
});

test("a region that is down fails alone, and its password is not shown", async () => {
  const down = {
    id: "down",
    directUrl: "postgresql://o:secret-word@127.0.0.1:1/d",
    isPrimary: false,
  };
  const reports = await migrateRegions([...regions, down], { dir, initialise: false });
  expect(reports.map((report) => report.ok)).toEqual([true, true, true, false]);
  expect(reports[3]?.error?.message).toContain("ECONNREFUSED");
  expect(JSON.stringify(reports)).not.toContain("secret-word");
});

/** Ends the session that is in the middle of a migration. Returns how many there were. */
async function endMigration(admin: Client): Promise<number | null> {
  const result = await admin.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%'
       AND pid <> pg_backend_pid()`,
  );
  return result.rowCount;
}

test("a runner that is killed in a migration leaves it unapplied and unfinished", async () => {
  await migrate();
  await write("3_third", "CREATE TABLE c (id int); SELECT pg_sleep(60);");
  const running = migrate();
  await Promise.all(
    regions.map((region) =>
      waitFor(async () => (await withAdmin(region.directUrl, endMigration)) === 1, {
        what: `the migration of ${region.id} to be running`,
      }),
    ),
  );
  for (const report of await running) expect(report.ok).toBe(false);
  expect(await query(0, "SELECT to_regclass('c')::text AS c")).toEqual([{ c: null }]);
  await write("3_third", "CREATE TABLE c (id int);");
  for (const report of await migrate()) expect(report.error?.code).toBe("migration-failed");
  for (const report of await migrate({ retryFailed: true })) expect(report.ok).toBe(true);
});

test("the project's own history names the regions and lets the application in", async () => {
  const appPassword = `it's "quoted" \\ and so on`;
  // One cluster's role alone, which is put back below: other files log in with it.
  const targets = regions.map((region, index) =>
    index === 1 ? { ...region, appPassword } : region,
  );
  const run = () => migrateRegions(targets);
  const names = (await readMigrations(MIGRATIONS_DIR)).map((file) => file.name);
  for (const report of await run()) expect(report).toMatchObject({ ok: true, applied: names });
  for (const report of await run()) expect(report).toMatchObject({ ok: true, applied: [] });
  expect(
    await query(
      1,
      "SELECT mr.local_region() AS region, array_agg(id ORDER BY id) AS ids FROM mr.region",
    ),
  ).toEqual([{ region: regions[1]!.id, ids: regions.map((region) => region.id).sort() }]);

  const url = new URL(regions[1]!.directUrl);
  const app = new Client({
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    user: "meridian_app",
    password: appPassword,
  });
  await app.connect();
  try {
    await expect(app.query("UPDATE mr.leadership SET epoch = 9")).rejects.toThrow(
      /permission denied/,
    );
  } finally {
    await app.end();
    await withAdmin(regions[1]!.directUrl, (admin) =>
      admin.query(`ALTER ROLE meridian_app PASSWORD '${testStores().appPassword}'`),
    );
  }
});

test("workers of other regions log in with the passwords that they were given, after each run", async () => {
  const [first, second] = regions;
  const { peerPassword } = testStores();
  const peerPasswords = { [second!.id]: peerPassword };
  const logIn = async () => {
    const peer = new Client({
      connectionString: asPeer(first!.directUrl, second!.id, peerPassword),
    });
    try {
      await peer.connect();
      const { rows } = await peer.query<{ region: string }>("SELECT region FROM mr.local");
      return rows[0]?.region;
    } finally {
      await peer.end();
    }
  };
  await migrateRegions(regions.map((region) => ({ ...region, peerPasswords })));
  expect(await logIn()).toBe(first!.id);
  await migrateRegions(regions.map((region) => ({ ...region, peerPasswords })));
  expect(await logIn()).toBe(first!.id);
});

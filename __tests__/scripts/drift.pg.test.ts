import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createRegions, type TestRegions } from "@/__tests__/support/stores";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { checkDrift } from "@/scripts/drift/check";
import { projectRoot } from "@/scripts/local/paths";

let cluster: TestRegions;

const drift = (schemaPath?: string) => checkDrift({ regions: cluster.regions, schemaPath });

beforeAll(async () => {
  cluster = await createRegions({ defaults: MULTI_LEADER });
});

afterAll(() => cluster.drop());

afterEach(async () => {
  // Every test puts back what it changed, and no shadow database stays.
  expect((await drift()).clean).toBe(true);
  const { rows } = await cluster.regions[0]!.pool.query(
    "SELECT datname FROM pg_database WHERE datname LIKE 'meridian_shadow_%'",
  );
  expect(rows).toEqual([]);
});

test("migrations, the Prisma schema and every region agree", async () => {
  expect(await drift()).toEqual({
    clean: true,
    schemaScript: null,
    regions: cluster.regions.map((region) => ({ regionId: region.id, differences: [] })),
  });
});

/** [what somebody does by hand in one region, what undoes it, what is reported] */
const CHANGES: readonly [name: string, change: string, undo: string, reported: string][] = [
  [
    "a column in one region",
    `ALTER TABLE "Document" ADD COLUMN extra text`,
    `ALTER TABLE "Document" DROP COLUMN extra`,
    'extra: column public."Document".extra',
  ],
  [
    "a default in one region",
    `ALTER TABLE "Document" ALTER COLUMN content SET DEFAULT 'x'`,
    `ALTER TABLE "Document" ALTER COLUMN content SET DEFAULT ''`,
    'different: column public."Document".content',
  ],
  [
    "a trigger that is switched off",
    `ALTER TABLE "Document" DISABLE TRIGGER mr_stamp`,
    `ALTER TABLE "Document" ENABLE TRIGGER mr_stamp`,
    'different: trigger mr_stamp on public."Document"',
  ],
  [
    "a function that was rewritten",
    "CREATE OR REPLACE FUNCTION mr.hlc_ms(p_hlc bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN p_hlc >> 15",
    "CREATE OR REPLACE FUNCTION mr.hlc_ms(p_hlc bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN p_hlc >> 16",
    "different: function mr.hlc_ms(bigint)",
  ],
  [
    "an index that is gone",
    `CREATE INDEX by_title ON "Document" (title)`,
    `DROP INDEX by_title`,
    "extra: index public.by_title",
  ],
  [
    "a privilege too many",
    "GRANT UPDATE ON mr.leadership TO meridian_app",
    "REVOKE UPDATE ON mr.leadership FROM meridian_app",
    "privileges of meridian_app on mr.leadership",
  ],
];

test.each(CHANGES)("names %s", async (_name, change, undo, reported) => {
  const changed = cluster.regions[1]!;
  await changed.pool.query(change);
  try {
    const report = await drift();
    expect(report.clean).toBe(false);
    expect(report.schemaScript).toBeNull();
    const found = report.regions.map(({ regionId, differences }) => ({
      regionId,
      differences: differences.map(({ kind, object }) => `${kind}: ${object}`),
    }));
    expect(found[0]?.differences).toEqual([]);
    expect(found[2]?.differences).toEqual([]);
    expect(found[1]?.differences).toHaveLength(1);
    expect(found[1]?.differences[0]).toContain(reported);
  } finally {
    await changed.pool.query(undo);
  }
});

test("shows what the Prisma schema has and the migrations lack", async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), "meridian-schema-"));
  try {
    const schemaPath = path.join(dir, "schema.prisma");
    const schema = await readFile(path.join(projectRoot, "prisma/schema.prisma"), "utf8");
    const edited = schema.replace(/^model Document \{$/m, "model Document {\n  subtitle String?");
    expect(edited).not.toBe(schema);
    await writeFile(schemaPath, edited);
    const report = await drift(schemaPath);
    expect(report.clean).toBe(false);
    expect(report.schemaScript).toContain('ALTER TABLE "Document" ADD COLUMN');
    expect(report.regions.every((region) => region.differences.length === 0)).toBe(true);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test("a region that cannot be read is an error, not a clean one", async () => {
  const report = await checkDrift({
    regions: [
      cluster.regions[0]!,
      { id: "down", directUrl: "postgresql://o:secret-word@127.0.0.1:1/d" },
    ],
  });
  expect(report.clean).toBe(false);
  expect(report.regions[1]?.error).toContain("ECONNREFUSED");
  expect(JSON.stringify(report)).not.toContain("secret-word");
});

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pool } from "pg";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { checkPolicies } from "@/lib/db/replication/check-policies";
import { RegionWorker } from "@/lib/db/replication/region-worker";
import { ConfigurationError } from "@/lib/errors";
import { STANDARD_DEFAULTS, TOPOLOGIES, type PolicyDefaults } from "@/lib/policy-defaults";
import { declareEntities } from "@/scripts/declare-entities";

describe("policies in code and database", () => {
  let planet: TestPlanet;
  let pool: Pool;
  beforeAll(async () => {
    planet = await startTestPlanet({ count: 2, defaults: MULTI_LEADER });
    pool = planet.region("us-east-1").pool;
  });
  afterAll(() => planet.stop());

  const version = async () =>
    (await pool.query<{ v: number }>("SELECT mr.schema_version() AS v")).rows[0]?.v;
  const declareOtherwise = () =>
    pool.query(`SELECT mr.declare(name, policy || '{"deletion": "update-wins"}')::text
                FROM mr.entity WHERE name = 'Document'`);
  const redeclare = async (defaults = STANDARD_DEFAULTS) => {
    const client = await pool.connect();
    try {
      return await declareEntities(client, defaults);
    } finally {
      client.release();
    }
  };

  it("agree after migrating, and declaring again changes nothing", async () => {
    await expect(checkPolicies(pool, "us-east-1", STANDARD_DEFAULTS)).resolves.toBeUndefined();
    expect(await redeclare()).toEqual([]);
  });

  it("keep a worker from starting where they differ, naming the entity", async () => {
    await declareOtherwise();
    await expect(checkPolicies(pool, "us-east-1", STANDARD_DEFAULTS)).rejects.toThrow(/Document/);
    const worker = new RegionWorker(planet.topology("us-east-1"));
    await expect(worker.run()).rejects.toBeInstanceOf(ConfigurationError);
    await worker.stop();
    expect(await redeclare()).toEqual(["Document"]);
    await expect(checkPolicies(pool, "us-east-1", STANDARD_DEFAULTS)).resolves.toBeUndefined();
  });

  it("give a schema version that does not depend on the way there", async () => {
    const before = await version();
    await declareOtherwise();
    expect(await version()).not.toBe(before);
    await redeclare();
    expect(await version()).toBe(before);
    const other = await planet
      .region("eu-west-1")
      .pool.query<{ v: number }>("SELECT mr.schema_version() AS v");
    expect(other.rows[0]?.v).toBe(before);
  });

  it("change with the configured defaults, and back, with rows there", async () => {
    const insert = (id: string) =>
      pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 't', 'u')`, [id]);
    const fenced = async () =>
      (
        await pool.query<{ name: string }>(
          `SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'mr_fence' ORDER BY 1`,
        )
      ).rows.map(({ name }) => name.replaceAll('"', ""));
    const open = ["Collaborator", "Document", "DocumentUpdate", "DocumentVersion"];
    // Whatever the default is.
    const led = ["LabRow", "LedgerTransfer", "Order", "User"];
    const before = await version();
    await insert("before");
    await pool.query("UPDATE mr.lease SET valid_until = '-infinity'");
    let others: PolicyDefaults = STANDARD_DEFAULTS;
    for (const topology of [...TOPOLOGIES, "single-leader", "multi-leader"] as const) {
      const defaults: PolicyDefaults = { topology, durability: "quorum" };
      expect((await redeclare(defaults)).sort(), topology).toEqual(open);
      await expect(checkPolicies(pool, "us-east-1", defaults)).resolves.toBeUndefined();
      await expect(checkPolicies(pool, "us-east-1", others)).rejects.toThrow(/DEFAULT_TOPOLOGY/);
      others = defaults;
      if (topology === "single-leader") {
        expect(await fenced()).toEqual([...open, ...led].sort());
        await expect(insert("fenced")).rejects.toMatchObject({ code: "MR007" });
      } else {
        expect(await fenced()).toEqual(led);
        await insert(randomUUID());
      }
      const { rowCount } = await pool.query(`SELECT FROM "Document" WHERE id = 'before'`);
      expect(rowCount).toBe(1);
    }
    await redeclare();
    expect(await version()).toBe(before);
    await insert("after");
  });

  it("refuse a policy that the table cannot have", async () => {
    await expect(
      pool.query(
        `SELECT mr.declare('User', '{"strategy": "merge", "fields": {"nothing": {"strategy": "max"}}}')::text`,
      ),
    ).rejects.toThrow(/merge, nothing/);
  });
});

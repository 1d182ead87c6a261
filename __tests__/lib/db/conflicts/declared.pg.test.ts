import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pool } from "pg";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { checkPolicies } from "@/lib/db/replication/check-policies";
import { RegionWorker } from "@/lib/db/replication/region-worker";
import { ConfigurationError } from "@/lib/errors";
import { declareEntities } from "@/scripts/declare-entities";

describe("policies in code and database", () => {
  let planet: TestPlanet;
  let pool: Pool;
  beforeAll(async () => {
    planet = await startTestPlanet({ count: 2 });
    pool = planet.region("us-east-1").pool;
  });
  afterAll(() => planet.stop());

  const version = async () =>
    (await pool.query<{ v: number }>("SELECT mr.schema_version() AS v")).rows[0]?.v;
  const declareOtherwise = () =>
    pool.query(`SELECT mr.declare(name, policy || '{"deletion": "update-wins"}')::text
                FROM mr.entity WHERE name = 'Document'`);
  const redeclare = async () => {
    const client = await pool.connect();
    try {
      return await declareEntities(client);
    } finally {
      client.release();
    }
  };

  it("agree after migrating, and declaring again changes nothing", async () => {
    await expect(checkPolicies(pool, "us-east-1")).resolves.toBeUndefined();
    expect(await redeclare()).toEqual([]);
  });

  it("keep a worker from starting where they differ, naming the entity", async () => {
    await declareOtherwise();
    await expect(checkPolicies(pool, "us-east-1")).rejects.toThrow(/Document/);
    const worker = new RegionWorker(planet.topology("us-east-1"));
    await expect(worker.run()).rejects.toBeInstanceOf(ConfigurationError);
    await worker.stop();
    expect(await redeclare()).toEqual(["Document"]);
    await expect(checkPolicies(pool, "us-east-1")).resolves.toBeUndefined();
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

  it("refuse a policy that the table cannot have", async () => {
    await expect(
      pool.query(
        `SELECT mr.declare('User', '{"strategy": "merge", "fields": {"nothing": {"strategy": "max"}}}')::text`,
      ),
    ).rejects.toThrow(/merge, nothing/);
  });
});

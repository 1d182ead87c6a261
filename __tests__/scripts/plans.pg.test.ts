import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRegions, type TestRegions } from "@/__tests__/support/stores";
import { connectExplained, scannedTables, type ExplainedConnection } from "@/scripts/plans/explain";
import { fillTables, hotOperations, LARGE_TABLES } from "@/scripts/plans/hot-operations";

describe("what runs often", () => {
  let planet: TestRegions;
  let connection: ExplainedConnection;

  beforeAll(async () => {
    planet = await createRegions({ count: 1 });
    connection = connectExplained(planet.regions[0]!.directUrl);
    await fillTables(connection.pool);
  });
  afterAll(async () => {
    await connection.close();
    await planet.drop();
  });

  it("reads no large table from end to end, in functions and triggers either", async () => {
    for (const { name, run } of await hotOperations(connection.db, connection.pool)) {
      await run();
      const plans = await connection.explain(run);
      expect(plans.length, name).toBeGreaterThan(0);
      for (const plan of plans) {
        const scanned = scannedTables(plan).filter((table) => LARGE_TABLES.includes(table));
        expect(scanned, `${name}: ${plan.statement}\n${plan.text}`).toEqual([]);
      }
    }
  });

  it("is told of one that does", async () => {
    const plans = await connection.explain(() =>
      connection.pool.query(`SELECT count(*) FROM "Document" WHERE "content" LIKE '%y%'`),
    );
    expect(plans.flatMap(scannedTables)).toEqual(["Document"]);
  });
});

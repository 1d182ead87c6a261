import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databasePath } from "@/__tests__/support/database-path";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { sqlState } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";

const US = "us-east-1" as RegionId;

/** Through a pooler and with Neon's driver there are none. */
const named = databasePath() === "pg";

let planet: TestPlanet;
const runtimes: Runtime[] = [];

beforeAll(async () => {
  planet = await startTestPlanet({ count: 1 });
});
afterAll(async () => {
  await Promise.all(runtimes.map((runtime) => runtime.close()));
  await planet.stop();
});

function client(pgbouncer?: "true") {
  const topology = planet.topology(US);
  const runtime = new Runtime(() => ({
    ...topology,
    endpoints: (from, to) => {
      const endpoints = topology.endpoints(from, to);
      const write = new URL(endpoints.write);
      if (pgbouncer) write.searchParams.set("pgbouncer", pgbouncer);
      return { ...endpoints, write: write.href };
    },
  }));
  runtimes.push(runtime);
  return runtime.clients.write(US, US);
}

/** Of the connection that was used last, which is the one that is used next. */
const prepared = (db: ReturnType<typeof client>) =>
  db.$queryRaw<{ name: string; statement: string }[]>`
    SELECT name, statement FROM pg_prepared_statements`;

describe("statements of the application", () => {
  it("are prepared once on a connection, whatever their values", async () => {
    const db = client();
    for (const id of ["a", "b", "c"]) {
      await db.$queryRaw`SELECT "id" FROM "Document" WHERE "id" = ${id}::text`;
      await db.document.findUnique({ where: { id } });
    }
    const statements = await prepared(db);
    const mine = statements.filter(({ statement }) => statement.includes('"Document"'));
    expect(mine).toHaveLength(named ? 2 : 0);
    expect(statements.every(({ name }) => name.startsWith("mr_app_"))).toBe(true);
  });

  it("are not, behind a pooler that keeps none", async () => {
    const db = client("true");
    await db.$queryRaw`SELECT "id" FROM "Document" WHERE "id" = ${"a"}::text`;
    expect(await prepared(db)).toEqual([]);
  });

  it("are refused once at most when a migration changes what they give", async () => {
    const { pool } = planet.region(US);
    await pool.query("CREATE TABLE widening (a integer)");
    await pool.query("GRANT SELECT ON widening TO meridian_app");
    const db = client();
    const read = () => db.$queryRaw<object[]>`SELECT * FROM widening`;
    for (let n = 0; n < 3; n++) await read();
    await pool.query("ALTER TABLE widening ADD COLUMN b text");
    const states: (string | undefined)[] = [];
    for (let n = 0; n < 3; n++) {
      await read().then(
        () => states.push("read"),
        (error: unknown) => states.push(sqlState(error)),
      );
    }
    expect(states).toEqual([named ? "0A000" : "read", "read", "read"]);
    await pool.query("DROP TABLE widening");
  });
});

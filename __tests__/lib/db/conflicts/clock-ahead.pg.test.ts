import { afterAll, beforeAll, expect, it } from "vitest";
import type { Pool } from "pg";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";
const ROWS = 20;

let planet: TestPlanet;
const pool = (id: string): Pool => planet.region(id).pool;

/** Sets a region's clock this much ahead, as far as stamps and their check go. */
const skew = (id: string, ms: number) =>
  pool(id).query(`CREATE OR REPLACE FUNCTION mr.hlc_now() RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN floor(date_part('epoch', clock_timestamp()) * 1000 + ${ms})::bigint << 16`);

const stallOf = async (target: string, origin: string) =>
  (
    await pool(target).query<{ reason: string; detail: string }>(
      "SELECT reason, detail FROM mr.stall WHERE actor = $1",
      [origin],
    )
  ).rows[0];

const titles = async (id: string) =>
  (await pool(id).query<{ title: string }>(`SELECT title FROM "Document" ORDER BY id`)).rows.map(
    ({ title }) => title,
  );

beforeAll(async () => {
  planet = await startTestPlanet({ defaults: MULTI_LEADER });
  await planet.startWorkers();
  await pool(US).query(`INSERT INTO "Document" (id, title, "ownerId")
    SELECT 'd' || n, 'first', 'u' FROM generate_series(1, ${ROWS}) n`);
  await waitForConvergence(planet.regions);
});
afterAll(() => planet.stop());

it("stalls the stream of a clock ten minutes ahead, which wins nothing elsewhere meanwhile", async () => {
  await skew(US, 600_000);
  await pool(US).query(`UPDATE "Document" SET title = 'ahead'`);
  for (const target of [EU, AP]) {
    const stall = await waitFor(() => stallOf(target, US), { what: `the stall in ${target}` });
    expect(stall).toMatchObject({ reason: "clock-ahead" });
    expect(stall.detail).toMatch(/500 ms/);
  }
  // The others go on among themselves, with rows that the one ahead has written too.
  await pool(EU).query(`UPDATE "Document" SET title = 'on time'`);
  await waitFor(async () => (await titles(AP)).every((title) => title === "on time"), {
    what: "the write of eu-west-1 in ap-southeast-1",
  });
  expect(new Set(await titles(EU))).toEqual(new Set(["on time"]));
  expect(await stallOf(AP, EU)).toBeUndefined();
  expect(await stallOf(US, EU)).toBeUndefined();

  // Ten minutes later.
  for (const id of [EU, AP]) await skew(id, 600_000);
  await waitForConvergence(planet.regions, 20_000);
  await waitFor(async () => !(await stallOf(EU, US)) && !(await stallOf(AP, US)), {
    what: "the streams to flow again",
  });
  const recorded = await pool(AP).query<{ values: string[] }>(
    `SELECT array_agg(DISTINCT v ->> 'value' ORDER BY v ->> 'value') AS values
     FROM "Conflict", jsonb_array_elements("versions") v WHERE "field" = 'title' GROUP BY "entityId"`,
  );
  expect(recorded.rows).toHaveLength(ROWS);
  for (const { values } of recorded.rows) expect(values).toEqual(["ahead", "on time"]);
});

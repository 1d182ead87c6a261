import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beatsSeen } from "@/__tests__/support/beats";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startOwnCluster, type OwnCluster } from "@/__tests__/support/own-cluster";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { checkRegions } from "@/lib/db/replication/repair/check";
import type { RegionWorker } from "@/lib/db/replication/region-worker";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

describe("a region whose database is recovered from a base backup and archived log", () => {
  let cluster: OwnCluster;
  let planet: TestPlanet;
  let worker: RegionWorker;

  beforeAll(async () => {
    cluster = await startOwnCluster(AP, { archives: true });
    planet = await startTestPlanet({ clusters: [cluster], defaults: MULTI_LEADER });
    for (const id of [US, EU]) await planet.startWorker(id);
    worker = await planet.startWorker(AP);
  });
  afterAll(async () => {
    await planet.stop();
    await cluster.remove();
  });

  const pool = (region: string) => planet.region(region).pool;
  const insert = (region: string, prefix: string) =>
    pool(region).query(
      `INSERT INTO "Document" (id, title, "ownerId") SELECT $1 || n, $1, 'u' FROM generate_series(1, 20) n`,
      [prefix],
    );
  const held = async (region: string) => {
    const { rows } = await pool(region).query<{ title: string; n: number }>(
      `SELECT title, count(*)::int AS n FROM "Document" WHERE "ownerId" = 'u' GROUP BY 1 ORDER BY 1`,
    );
    return Object.fromEntries(rows.map(({ title, n }) => [title, n]));
  };

  it("goes back to a point in time, and gets from its peers what it had told them since", async () => {
    await insert(AP, "before the backup");
    await waitForConvergence(planet.regions);
    // Nothing stops for it.
    await cluster.backUpOnline();
    await insert(AP, "in the log");
    await insert(US, "from Virginia");
    await waitForConvergence(planet.regions);
    const { rows } = await pool(AP).query<{ time: string }>(
      "SELECT clock_timestamp()::text AS time",
    );
    await insert(AP, "after the point in time");
    await waitForConvergence(planet.regions);
    // By which the peers know it for an old copy.
    const seen = await beatsSeen(planet, AP);
    await waitFor(async () => (await beatsSeen(planet, AP)) > seen + 1, { what: "another beat" });
    await worker.stop();
    await insert(AP, "told to nobody");

    await cluster.recoverTo(rows[0]!.time);
    await waitFor(() => held(AP));
    expect(await held(AP)).toEqual({
      "before the backup": 20,
      "in the log": 20,
      "from Virginia": 20,
    });

    worker = await planet.startWorker(AP);
    await waitFor(
      async () => {
        const { rows: local } = await pool(AP).query<{ state: string; incarnation: number }>(
          "SELECT state, incarnation FROM mr.local",
        );
        return local[0]?.state === "ready" && local[0].incarnation === 1;
      },
      { what: "the database to be healed as a new incarnation", timeoutMs: 20_000 },
    );
    await insert(AP, "after the recovery");
    await waitForConvergence(planet.regions);
    for (const region of planet.ids) {
      expect(await held(region)).toEqual({
        "before the backup": 20,
        "in the log": 20,
        "from Virginia": 20,
        "after the point in time": 20,
        "after the recovery": 20,
      });
    }
    expect(await checkRegions(planet.regions)).toMatchObject({ outcome: "equal" });
  });
});

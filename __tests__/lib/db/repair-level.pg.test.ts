import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { checkRegions } from "@/lib/db/replication/repair/check";
import { joinRegion } from "@/scripts/region/join";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

describe("a region that was lost when one of its peers had heard more of it than the other", () => {
  let planet: TestPlanet;
  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER });
    await planet.startWorkers();
  });
  afterAll(() => planet.stop());

  const insert = (region: string, id: string) =>
    planet
      .region(region)
      .pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 't', 'u')`, [id]);
  const remove = (region: string, id: string) =>
    planet
      .region(region)
      .pool.query(`UPDATE "Document" SET "deletedAt" = now() WHERE id = $1`, [id]);
  const liveIn = async (region: string) => {
    const { rows } = await planet
      .region(region)
      .pool.query<{ id: string }>(
        `SELECT id FROM "Document" WHERE "ownerId" = 'u' AND "deletedAt" IS NULL ORDER BY id`,
      );
    return rows.map(({ id }) => id);
  };

  /** Its database is dropped, and an empty one takes its place. */
  async function lose(region: string): Promise<void> {
    const url = new URL(planet.region(region).directUrl);
    const database = url.pathname.slice(1);
    url.pathname = "/postgres";
    const admin = new Client({ connectionString: url.href });
    await admin.connect();
    await admin.query(`DROP DATABASE "${database}" WITH (FORCE)`);
    await admin.query(`CREATE DATABASE "${database}"`);
    await admin.end();
  }

  it("is rebuilt, and what it had told one of them is everywhere", async () => {
    await insert(US, "known");
    await insert(US, "deleted");
    await waitForConvergence(planet.regions);
    await planet.pauseWorkers();
    for (const id of [US, AP]) await planet.startWorker(id);
    await insert(US, "told-to-one");
    await remove(US, "deleted");
    await waitFor(async () => (await liveIn(AP)).join() === "known,told-to-one");
    expect(await liveIn(EU)).toEqual(["deleted", "known"]);
    await planet.pauseWorkers();
    await lose(US);
    for (const id of [EU, AP]) await planet.startWorker(id);

    const { directUrl } = planet.region(US);
    const peers = planet.regions.filter(({ id }) => id !== US);
    const { peerPasswords } = planet;
    const joined = await joinRegion({ id: US, directUrl, peers, peerPasswords, mode: "rebuild" });
    // Before it takes a write, the other one has what the first one had heard.
    expect(joined).toMatchObject({ actor: `${US}#1`, unreachable: [], behind: [] });
    expect(await liveIn(EU)).toEqual(["known", "told-to-one"]);
    await planet.startWorker(US);
    await insert(US, "written-since");
    await waitForConvergence(planet.regions);
    for (const id of [US, EU, AP]) {
      expect(await liveIn(id)).toEqual(["known", "told-to-one", "written-since"]);
    }
    expect(await checkRegions(planet.regions)).toMatchObject({ outcome: "equal" });
  });
});

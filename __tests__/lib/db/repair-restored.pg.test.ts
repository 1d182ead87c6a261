import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beatsSeen } from "@/__tests__/support/beats";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startOwnCluster, type OwnCluster } from "@/__tests__/support/own-cluster";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { checkRegions } from "@/lib/db/replication/repair/check";
import { healRestored } from "@/lib/db/replication/repair/restored";
import type { RegionWorker } from "@/lib/db/replication/region-worker";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

describe("a database restored from an old copy", () => {
  let cluster: OwnCluster;
  let planet: TestPlanet;
  let worker: RegionWorker;

  beforeAll(async () => {
    cluster = await startOwnCluster(AP);
    planet = await startTestPlanet({ clusters: [cluster], defaults: MULTI_LEADER });
    for (const id of [US, EU]) await planet.startWorker(id);
    worker = await planet.startWorker(AP);
  });
  afterAll(async () => {
    await planet.stop();
    await cluster.remove();
  });

  const insert = (region: string, prefix: string, count: number) =>
    planet.region(region).pool.query(
      `INSERT INTO "Document" (id, title, "ownerId")
       SELECT $1 || '-' || n, $1, 'u' FROM generate_series(1, $2::int) n`,
      [prefix, count],
    );
  const retitle = (region: string, id: string, title: string) =>
    planet.region(region).pool.query(`UPDATE "Document" SET title = $2 WHERE id = $1`, [id, title]);
  const titleOf = async (region: string, id: string) =>
    (
      await planet
        .region(region)
        .pool.query<{ title: string }>(`SELECT title FROM "Document" WHERE id = $1`, [id])
    ).rows[0]?.title;
  const answers = () =>
    waitFor(() =>
      planet
        .region(AP)
        .pool.query("SELECT 1")
        .then(() => true),
    );
  const localState = async () =>
    (
      await planet
        .region(AP)
        .pool.query<{ state: string; actor: string }>(
          "SELECT state, mr.local_actor() AS actor FROM mr.local",
        )
    ).rows[0];

  /** Writes, takes a copy, writes more, and goes back to the copy. */
  async function restore(round: string): Promise<void> {
    await insert(AP, `${round}-before`, 20);
    await insert(US, `${round}-from-us`, 5);
    await waitForConvergence(planet.regions, 20_000);
    const counted = await beatsSeen(planet, AP);
    await waitFor(async () => (await beatsSeen(planet, AP)) > counted);
    await worker.stop();
    await cluster.backUp();
    await answers();
    worker = await planet.startWorker(AP);
    await insert(AP, `${round}-after-copy`, 30);
    for (let n = 0; n < 3; n++) await retitle(AP, `${round}-before-1`, `lost ${n}`);
    await retitle(AP, `${round}-before-2`, "known to the peers");
    await retitle(US, `${round}-from-us-1`, "written by us after the copy");
    await waitForConvergence(planet.regions, 20_000);
    const later = await beatsSeen(planet, AP);
    await waitFor(async () => (await beatsSeen(planet, AP)) > later);
    await worker.stop();
    await cluster.stopAndPutBack();
    await cluster.start();
    await answers();
    expect(await titleOf(AP, `${round}-before-1`)).toBe(`${round}-before`);
  }

  /** Until its positions have passed all that the peers have seen of the lost database. */
  async function writeSinceRestore(round: string): Promise<void> {
    await retitle(AP, `${round}-before-1`, "since the restore");
    await retitle(AP, `${round}-before-3`, "since the restore");
    await insert(AP, `${round}-since`, 5);
    const { rows } = await planet
      .region(US)
      .pool.query<{ position: string }>(
        "SELECT max(position)::text AS position FROM mr.cursor WHERE split_part(actor, '#', 1) = $1",
        [AP],
      );
    for (let n = 0; ; n++) {
      await retitle(AP, `${round}-since-5`, `pass ${n}`);
      const head = await planet
        .region(AP)
        .pool.query<{ head: string }>("SELECT mr.head()::text AS head");
      if (BigInt(head.rows[0]?.head ?? 0) > BigInt(rows[0]?.position ?? 0) + 10n) break;
    }
  }

  async function expectNothingLost(round: string): Promise<void> {
    expect(await checkRegions(planet.regions)).toMatchObject({
      outcome: "equal",
      differences: [],
      unsettled: [],
      behind: [],
    });
    for (const region of [US, EU, AP]) {
      const { rows } = await planet.region(region).pool.query<{ prefix: string; n: number }>(
        `SELECT regexp_replace(id, '-[0-9]+$', '') AS prefix, count(*)::int AS n
           FROM "Document" WHERE id LIKE $1 || '-%' GROUP BY 1 ORDER BY 1`,
        [round],
      );
      expect(rows).toEqual([
        { prefix: `${round}-after-copy`, n: 30 },
        { prefix: `${round}-before`, n: 20 },
        { prefix: `${round}-from-us`, n: 5 },
        { prefix: `${round}-since`, n: 5 },
      ]);
      expect(await titleOf(region, `${round}-before-2`)).toBe("known to the peers");
      expect(await titleOf(region, `${round}-before-3`)).toBe("since the restore");
      expect(await titleOf(region, `${round}-from-us-1`)).toBe("written by us after the copy");
      // Written after the copy, and again after the restore, which is later.
      expect(await titleOf(region, `${round}-before-1`)).toBe("since the restore");
    }
  }

  it("is noticed by its worker, refuses writes, and is healed as a new incarnation", async () => {
    await restore("one");
    await writeSinceRestore("one");
    const probe = await planet.region(AP).pool.connect();
    const write = () =>
      probe.query(`UPDATE "Document" SET title = 'probe' WHERE id = 'one-before-20'`).then(
        () => null,
        (error: { code?: string }) => error.code ?? "?",
      );
    try {
      // A peer that cannot be reached keeps it refusing: what only that peer has would be lost.
      await planet.link(AP, EU).postgres.refuse();
      worker = await planet.startWorker(AP);
      await waitFor(async () => (await localState())?.state === "restored");
      expect(await write()).toBe("MR011");
      await planet.link(AP, EU).postgres.heal();
      await waitFor(async () => (await localState())?.state === "ready", { timeoutMs: 20_000 });
      expect(await write()).toBeNull();
    } finally {
      probe.release();
    }
    expect(await localState()).toMatchObject({ actor: `${AP}#1` });
    await expectNothingLost("one");

    // The version that the lost database had told is kept where a person finds it.
    const { rows } = await planet.region(US).pool.query<{ values: string[] }>(
      `SELECT array(SELECT v ->> 'value' FROM jsonb_array_elements(versions) v) AS values
         FROM "Conflict" WHERE "entityId" = 'one-before-1' AND field = 'title'`,
    );
    expect(rows.flatMap(({ values }) => values)).toEqual(
      expect.arrayContaining(["since the restore", "lost 2"]),
    );
    await insert(AP, "new-incarnation", 1);
    await waitForConvergence(planet.regions);
    const written = await planet
      .region(EU)
      .pool.query(`SELECT origin FROM "Document" WHERE id = 'new-incarnation-1'`);
    expect(written.rows).toEqual([{ origin: `${AP}#1` }]);
  });

  it("is healed a second time, by the command's function", async () => {
    await restore("two");
    await writeSinceRestore("two");
    const ap = planet.region(AP);
    const { rows } = await planet
      .region(US)
      .pool.query<{ beats: string }>(
        "SELECT jsonb_object_agg(boot, beat)::text AS beats FROM mr.peer_beat WHERE region = $1",
        [AP],
      );
    const noticed = await ap.pool.query<{ restored: boolean }>(
      "SELECT mr.notice_restored('{}', $1::jsonb) AS restored",
      [rows[0]?.beats],
    );
    expect(noticed.rows).toEqual([{ restored: true }]);
    await expect(insert(AP, "refused", 1)).rejects.toMatchObject({ code: "MR011" });
    const peers = planet.regions.filter(({ id }) => id !== AP);
    expect(await healRestored(ap, peers)).toMatchObject({ incarnation: 2 });
    expect(await healRestored(ap, peers)).toBeNull();
    worker = await planet.startWorker(AP);
    await expectNothingLost("two");
  });

  it("is not suspected after an ordinary restart", async () => {
    await worker.stop();
    await cluster.backUp();
    await answers();
    worker = await planet.startWorker(AP);
    const counted = await beatsSeen(planet, AP);
    await waitFor(async () => (await beatsSeen(planet, AP)) > counted + 1);
    await insert(AP, "restarted", 3);
    await waitForConvergence(planet.regions);
    expect(await localState()).toEqual({ state: "ready", actor: `${AP}#2` });
  });
});

import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untilReadable, waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import type { RegionId } from "@/lib/db/regions/region-id";
import { applyBatch, connectStore, readEntityTypes, readOutbox } from "@/lib/db/replication/store";
import { TombstoneCollector } from "@/lib/db/replication/tombstone-collector";
import { toPosition } from "@/lib/db/sessions/positions";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";

/** What a region that cannot be asked gets to answer in. */
const ASK_MS = 500;

describe("collection of tombstones", () => {
  let planet: TestPlanet;
  let us: pg.Pool;
  let eu: pg.Pool;
  let ap: pg.Pool;
  const pools: pg.Pool[] = [];
  const collectors = new Map<string, TombstoneCollector>();

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER });
    await planet.startWorkers();
    [us, eu, ap] = [planet.region(US).pool, planet.region(EU).pool, planet.region(AP).pool];
    for (const id of planet.ids) {
      const peers = new Map(
        planet.ids.map((to): [RegionId, pg.Pool] => {
          const url = planet.topology(id).endpoints(id, to).direct;
          const pool = connectStore(url, { max: 1, queryTimeoutMs: ASK_MS });
          pools.push(pool);
          return [to, pool];
        }),
      );
      collectors.set(id, new TombstoneCollector({ local: planet.region(id).pool, peers }));
    }
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await planet.stop();
  });

  const tick = async (region: string) => {
    const collector = collectors.get(region);
    if (!collector) throw new Error(`No collector of ${region}`);
    return collector.tick().catch(() => 0);
  };
  /** More than two rounds need when nothing holds them up. */
  const tickAll = async (times: number) => {
    for (let n = 0; n < times; n++) await Promise.all(planet.ids.map(tick));
  };
  const untilGone = (id: string, table = "Document") =>
    waitFor(
      async () => {
        await tickAll(1);
        const counts = await Promise.all(planet.regions.map(({ pool }) => count(pool, id, table)));
        return counts.every((n) => n === 0);
      },
      { what: `${id} to be gone everywhere` },
    );
  const insert = async (...ids: string[]) => {
    for (const id of ids) {
      await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 't', 'u')`, [id]);
    }
    await waitForConvergence(planet.regions);
  };
  const remove = (pool: pg.Pool, id: string, table = "Document") =>
    pool.query(`UPDATE "${table}" SET "deletedAt" = now() WHERE id = $1`, [id]);
  const setLinks = async (region: string, change: "cut" | "heal") => {
    for (const other of planet.ids.filter((id) => id !== region)) {
      for (const link of [planet.link(region, other), planet.link(other, region)]) {
        await link.postgres[change]();
        await link.redis?.[change]();
      }
    }
  };

  it("deletes in every region, and nothing that is alive or must stay", async () => {
    await insert("gone", "alive");
    await us.query(
      `INSERT INTO "Collaborator" (id, "documentId", "userId") VALUES ('ended', 'gone', 'v')`,
    );
    await remove(us, "gone");
    await us.query(`UPDATE "Collaborator" SET "deletedAt" = now() WHERE id = 'ended'`);
    await waitForConvergence(planet.regions);
    await untilGone("gone");
    await tickAll(6);
    for (const { pool } of planet.regions) {
      expect(await count(pool, "alive")).toBe(1);
      // Its id may be used again: the policy says so.
      expect(await count(pool, "ended", "Collaborator")).toBe(1);
    }
    // Nobody was told, and nobody had to be.
    const { rows } = await us.query(
      `SELECT FROM mr."outbox_Document" WHERE id = 'alive' AND "deletedAt" IS NOT NULL`,
    );
    expect(rows).toEqual([]);
    await expect(us.query(`DELETE FROM "Document" WHERE id = 'alive'`)).rejects.toMatchObject({
      code: "MR002",
    });
  });

  it("keeps a tombstone while one region is cut off, and loses no write of that region", async () => {
    await insert("held", "touched");
    await us.query(
      `INSERT INTO "DocumentVersion" (id, "documentId", title, "authorId") VALUES ('revived', 'held', 't', 'u')`,
    );
    await waitForConvergence(planet.regions);
    await setLinks(AP, "cut");
    await remove(us, "held");
    await remove(us, "touched");
    await remove(us, "revived", "DocumentVersion");
    // In the region that has not heard of it: two rules, one deletes and one revives.
    await ap.query(`UPDATE "Document" SET summary = 'late' WHERE id = 'touched'`);
    await ap.query(`UPDATE "DocumentVersion" SET title = 'late' WHERE id = 'revived'`);
    await waitForConvergence(planet.regions.filter(({ id }) => id !== AP));
    for (let n = 0; n < 4; n++) await Promise.all([tick(US), tick(EU)]);
    expect(await count(us, "held")).toBe(1);
    expect(await count(eu, "touched")).toBe(1);

    await setLinks(AP, "heal");
    await untilGone("held");
    // Its deletion won over an update, and may be taken back for as long as that is on record.
    expect(await count(us, "touched")).toBe(1);
    await us.query(`UPDATE "Conflict" SET "deletedAt" = now() WHERE "entityId" = 'touched'`);
    await untilGone("touched");
    await waitForConvergence(planet.regions);
    const { rows } = await us.query(
      `SELECT title, "deletedAt" FROM "DocumentVersion" WHERE id = 'revived'`,
    );
    expect(rows).toEqual([{ title: "late", deletedAt: null }]);
  }, 90_000);

  it("does not bring a row back when its events are delivered again", async () => {
    const from = (await us.query<{ last: string }>("SELECT (mr.horizon() - 1)::text AS last"))
      .rows[0];
    await planet.pauseWorkers();
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('again', 't', 'u')`);
    await untilReadable(us);
    const batch = await readOutbox(us, EU, toPosition(from?.last ?? "0"), 100);
    await planet.resumeWorkers();
    await waitForConvergence(planet.regions);
    await remove(us, "again");
    await waitForConvergence(planet.regions);
    await untilGone("again");
    expect(batch.rows.length).toBeGreaterThan(0);
    expect(await applyBatch(eu, await readEntityTypes(eu), batch)).not.toBe("applied");
    expect(await count(eu, "again")).toBe(0);
  });

  it("spares a row whose deletion is a dead letter somewhere", async () => {
    await insert("parked");
    await eu.query(
      `ALTER TABLE "Document" ADD CONSTRAINT no_end CHECK (id <> 'parked' OR "deletedAt" IS NULL)`,
    );
    await remove(us, "parked");
    await waitFor(
      async () =>
        (await eu.query(`SELECT FROM mr.dead_letter WHERE open AND entity_id = 'parked'`)).rowCount,
      { what: "the dead letter" },
    );
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('other', 't', 'u')`);
    await waitFor(() => count(eu, "other"), { what: "the other row" });
    await remove(us, "other");
    await untilGone("other");
    await tickAll(6);
    expect(await count(us, "parked")).toBe(1);
    await eu.query(`ALTER TABLE "Document" DROP CONSTRAINT no_end`);
    await eu.query(`SELECT mr.retry_dead_letters('Document', 'parked')`);
    await untilGone("parked");
  });

  it("leaves a row that somebody is writing, and one that was written since", async () => {
    await insert("busy");
    await remove(us, "busy");
    await waitForConvergence(planet.regions);
    const collect = (before: string) =>
      us.query(`SELECT mr.collect_tombstones(100, ${before}, mr.local_actor(), '{}', '{}')`);
    // Its version is not older than itself.
    const { rows } = await us.query<{ at: string }>(
      `SELECT (txid_current() - age(xmin))::text AS at FROM "Document" WHERE id = 'busy'`,
    );
    await collect(`${rows[0]?.at ?? ""}`);
    expect(await count(us, "busy")).toBe(1);
    const client = await us.connect();
    try {
      await client.query(`BEGIN; UPDATE "Document" SET "deletedAt" = NULL WHERE id = 'busy'`);
      await collect("mr.head()");
      await client.query("COMMIT");
    } finally {
      client.release();
    }
    await collect("mr.head()");
    await waitForConvergence(planet.regions);
    expect(await count(us, "busy")).toBe(1);
  });

  it("is for the owner alone, and for a database that is who it was", async () => {
    const { Client } = await import("pg");
    const app = new Client({ connectionString: planet.region(EU).appUrl });
    await app.connect();
    try {
      for (const statement of [
        `SELECT mr.collect_tombstones(1, 1, 'eu-west-1', '{}', '{}')`,
        `SELECT mr.delete_tombstones('Document', 1, 1, '{}', '{}', 1)`,
        `DELETE FROM "Document"`,
      ]) {
        await expect(app.query(statement), statement).rejects.toMatchObject({ code: "42501" });
      }
    } finally {
      await app.end();
    }
    await insert("former");
    await remove(us, "former");
    await us.query(`SELECT mr.collect_tombstones(100, mr.head(), 'us-east-1#1', '{}', '{}')`);
    expect(await count(us, "former")).toBe(1);
    await us.query(
      `SELECT mr.collect_tombstones(100, mr.head(), mr.local_actor(), '{}', '{us-east-1}')`,
    );
    expect(await count(us, "former")).toBe(1);
  });

  // The last one: the regions do not agree any more after it.
  it("without waiting for all regions brings the row back (mutant)", async () => {
    await insert("undead");
    await setLinks(AP, "cut");
    await remove(us, "undead");
    await ap.query(`UPDATE "Document" SET summary = 'late' WHERE id = 'undead'`);
    await us.query(`SELECT mr.collect_tombstones(100, mr.head(), mr.local_actor(), '{}', '{}')`);
    expect(await count(us, "undead")).toBe(0);
    await setLinks(AP, "heal");
    await waitFor(
      async () =>
        (await us.query(`SELECT FROM "Document" WHERE id = 'undead' AND "deletedAt" IS NULL`))
          .rowCount,
      { timeoutMs: 20_000, what: "the row that was deleted" },
    );
  }, 60_000);
});

async function count(pool: pg.Pool, id: string, table = "Document"): Promise<number> {
  return (await pool.query(`SELECT FROM "${table}" WHERE id = $1`, [id])).rowCount ?? 0;
}

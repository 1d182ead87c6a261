import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { EVERYBODY, readOutbox } from "@/lib/db/replication/store";
import { toPosition } from "@/lib/db/sessions/positions";

const US = "us-east-1";
const EU = "eu-west-1";

describe("replication at its edges", () => {
  let planet: TestPlanet;

  beforeAll(async () => {
    planet = await startTestPlanet({ count: 2 });
  });
  afterAll(() => planet.stop());

  it("captures the last version of every row, however it was written", async () => {
    const { pool } = planet.region(US);
    await pool.query(`
      BEGIN;
      INSERT INTO "Document" (id, title, "ownerId") VALUES ('a', '1', 'u');
      SAVEPOINT one;
      INSERT INTO "Document" (id, title, "ownerId") VALUES ('undone', '1', 'u');
      ROLLBACK TO one;
      SAVEPOINT two;
      INSERT INTO "Document" (id, title, "ownerId") VALUES ('b', '1', 'u');
      INSERT INTO "DocumentVersion" (id, "documentId", title, "authorId") VALUES ('v', 'b', '1', 'u');
      COMMIT;
      INSERT INTO "Document" (id, title, "ownerId") VALUES ('a', '2', 'u'), ('c', '1', 'u')
        ON CONFLICT (id) DO UPDATE SET title = excluded.title;
      MERGE INTO "Document" d USING (VALUES ('a', '3'), ('d', '1')) s (id, title) ON d.id = s.id
        WHEN MATCHED THEN UPDATE SET title = s.title
        WHEN NOT MATCHED THEN INSERT (id, title, "ownerId") VALUES (s.id, s.title, 'u');
      WITH first AS (UPDATE "Document" SET title = '4' WHERE id = 'a'),
        second AS (UPDATE "Document" SET title = '2' WHERE id = 'b')
      INSERT INTO "Document" (id, title, "ownerId") VALUES ('e', '1', 'u');`);
    const missing = await pool.query(`
      SELECT id FROM "Document" d WHERE NOT EXISTS (SELECT FROM mr."outbox_Document" o
        WHERE (o.id, o.hlc, o.position, o.title) = (d.id, d.hlc, d.position, d.title))`);
    expect(missing.rows).toEqual([]);
    const captured = await pool.query<{ id: string; n: number }>(
      `SELECT id, count(*)::int AS n FROM mr."outbox_Document" GROUP BY id ORDER BY id`,
    );
    expect(captured.rows.map(({ id, n }) => `${id} ${n}`)).toEqual([
      "a 4",
      "b 2",
      "c 1",
      "d 1",
      "e 1",
    ]);
    // Subtransactions share the position of the transaction that they are part of.
    const together = await pool.query<{ n: number }>(`
      SELECT count(DISTINCT position)::int AS n FROM (
        SELECT position FROM "DocumentVersion" UNION ALL SELECT min(position) FROM mr."outbox_Document") p`);
    expect(together.rows[0]?.n).toBe(1);
  });

  it("carries values at the edge of their types", async () => {
    const { pool } = planet.region(US);
    await pool.query(`INSERT INTO "Document" (id, title, "ownerId", "createdAt", "deletedAt") VALUES
      ('early', '𝒳', 'u', '0044-03-15 BC', NULL), ('never', '', 'u', '-infinity', 'infinity'),
      ('zone', E'\\t', 'u', '2026-01-02 03:04:05.6785+05:30', NULL)`);
    await pool.query(`BEGIN; SET LOCAL session_replication_role = replica;
      UPDATE "Document" SET clock = '{"us-east-1": 9007199254740993, "eu-west-1": 9223372036854775806}'
      WHERE id = 'zone'; COMMIT`);
    await pool.query(`UPDATE "Document" SET title = 'z' WHERE id = 'zone'`);
    await planet.startWorkers();
    await waitForConvergence(planet.regions);
  });

  it("goes on when a table changes its columns while events are under way", async () => {
    const [us, eu] = [planet.region(US).pool, planet.region(EU).pool];
    await planet.pauseWorkers();
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('before', 't', 'u')`);
    for (const pool of [us, eu]) {
      await pool.query(`
        ALTER TABLE "Document" ADD COLUMN tags text NOT NULL DEFAULT 'none';
        ALTER TABLE "DocumentVersion" ALTER COLUMN content DROP NOT NULL;
        ALTER TABLE "DocumentVersion" DROP COLUMN "regionId";
        SELECT mr.redeclare('Document');
        SELECT mr.redeclare('DocumentVersion')`);
    }
    await us.query(`INSERT INTO "DocumentVersion" (id, "documentId", title, content, "authorId")
      VALUES ('no-content', 'before', 't', NULL, 'u')`);
    await planet.resumeWorkers();
    await waitForConvergence(planet.regions);
    const { rows } = await eu.query(`SELECT tags FROM "Document" WHERE id = 'before'`);
    expect(rows).toEqual([{ tags: "none" }]);
  });

  it("survives one transaction of more than 256 MB", async () => {
    const { pool } = planet.region(US);
    const before = await pool.query<{ last: string }>(`SELECT mr.last_event()::text AS last`);
    await pool.query(`INSERT INTO "Document" (id, title, "ownerId", content)
      SELECT 'big-' || n, 't', 'u', repeat(md5(n::text), 3125) FROM generate_series(1, 2750) n`);
    const batch = await readOutbox(pool, EVERYBODY, toPosition(before.rows[0]?.last ?? "0"), 1_000);
    expect(batch.rows.map(({ entity, count }) => [entity, count])).toEqual([["Document", 2_750]]);
    expect(batch.rows[0]?.elements.length).toBeGreaterThan(270_000_000);
    await waitFor(
      async () => {
        const { rows } = await planet
          .region(EU)
          .pool.query<{ n: number }>(
            `SELECT count(*)::int AS n FROM "Document" WHERE id LIKE 'big-%'`,
          );
        return rows[0]?.n === 2_750;
      },
      { timeoutMs: 60_000, intervalMs: 500, what: "all of it" },
    );
  }, 120_000);
});

import type pg from "pg";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { deadLettersOf } from "@/__tests__/support/dead-letters";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { DeadLetterRetrier } from "@/lib/db/replication/dead-letter-retrier";

const US = "us-east-1";
const EU = "eu-west-1";

describe("decisions about dead letters", () => {
  const { open, letters, refuseBad, insert, title, parked, call, lastId, audits } = deadLettersOf(
    () => eu,
  );
  let planet: TestPlanet;
  let us: pg.Pool;
  let eu: pg.Pool;
  let app: Client;

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER });
    await planet.startWorkers();
    [us, eu] = [planet.region(US).pool, planet.region(EU).pool];
    app = new Client({ connectionString: planet.region(EU).appUrl });
    await app.connect();
  });
  afterAll(async () => {
    await app.end();
    await planet.stop();
  });
  afterEach(async () => {
    await eu.query(`ALTER TABLE "Document" DROP CONSTRAINT IF EXISTS no_bad;
      ALTER TABLE "User" DROP CONSTRAINT IF EXISTS no_bad`);
    for (const { entity, entity_id } of await open()) {
      await eu.query("SELECT mr.retry_dead_letters($1, $2)", [entity, entity_id]);
    }
    expect(await open()).toEqual([]);
  });

  it.each(["new", "known"])("edits a %s row so that every region takes it", async (kind) => {
    const id = `edit-${kind}`;
    if (kind === "known") {
      await insert(us, id, "first");
      await waitForConvergence(planet.regions);
    }
    await refuseBad();
    if (kind === "new") await insert(us, id, "bad");
    else await us.query(`UPDATE "Document" SET title = 'bad' WHERE id = $1`, [id]);
    await parked(id);
    await us.query(`UPDATE "Document" SET summary = 'keep me' WHERE id = $1`, [id]);
    await parked(id, 2);
    const edit = async (values: unknown, last?: string) =>
      call(app, "edit_dead_letters", "Document", id, last ?? (await lastId(id)), values, "admin-1");

    expect(await edit({ title: "x" }, "0")).toEqual({ kind: "stale" });
    expect(await edit({ title: "bad still" })).toMatchObject({
      kind: "failing",
      sqlstate: "23514",
    });
    expect(await edit({ deletedAt: "2026-01-01", nonsense: 1, content: "x" })).toEqual({
      kind: "refused",
      columns: ["content", "deletedAt", "nonsense"],
    });
    expect(await edit({ createdAt: "no time" })).toMatchObject({
      kind: "failing",
      sqlstate: "22007",
    });
    expect(await edit({ title: "mended" })).toEqual({
      kind: "edited",
      events: 2,
      columns: ["title"],
    });
    await waitForConvergence(planet.regions);
    const { rows } = await us.query(`SELECT title, summary FROM "Document" WHERE id = $1`, [id]);
    expect(rows).toEqual([{ title: "mended", summary: "keep me" }]);
    expect((await letters(id)).map(({ status }) => status)).toEqual(["edited", "edited"]);
    expect((await audits(id)).map(({ result }) => result)).toEqual([
      "failing",
      "refused",
      "failing",
      "edited",
    ]);
    // The regions do not merely look alike: the next write of each wins everywhere.
    await us.query(`UPDATE "Document" SET title = 'next' WHERE id = $1`, [id]);
    await waitForConvergence(planet.regions);
    expect(await title(eu, id)).toBe("next");
  });

  it("discards what was parked: every region keeps the row as it is here", async () => {
    await insert(us, "kept", "first");
    await waitForConvergence(planet.regions);
    await refuseBad();
    await us.query(`UPDATE "Document" SET title = 'bad', "deletedAt" = now() WHERE id = 'kept'`);
    await parked("kept");
    await eu.query(`UPDATE "Document" SET summary = 'written here meanwhile' WHERE id = 'kept'`);
    const last = await lastId("kept");
    expect(await call(app, "discard_dead_letters", "Document", "kept", last, "admin-1")).toEqual({
      kind: "discarded",
      events: 1,
      kept: true,
    });
    await waitForConvergence(planet.regions);
    const { rows } = await us.query(
      `SELECT title, summary, "deletedAt" FROM "Document" WHERE id = 'kept'`,
    );
    expect(rows).toEqual([{ title: "first", summary: "written here meanwhile", deletedAt: null }]);
    expect(await audits("kept")).toEqual([
      { actor_user: "admin-1", action: "dead-letter.discard", result: "discarded" },
    ]);
  });

  it("says when a discarded row leaves the regions different", async () => {
    await refuseBad();
    await insert(us, "absent", "bad");
    await parked("absent");
    const last = await lastId("absent");
    expect(await call(app, "discard_dead_letters", "Document", "absent", last, "admin-1")).toEqual({
      kind: "discarded",
      events: 1,
      kept: false,
    });
    expect(await title(eu, "absent")).toBeUndefined();
    // The next version of it is tried like any other.
    await us.query(`UPDATE "Document" SET title = 'good' WHERE id = 'absent'`);
    await waitForConvergence(planet.regions);
  });

  it("retries by itself when letters are due", async () => {
    await refuseBad();
    await insert(us, "due", "bad");
    await parked("due");
    const retrier = new DeadLetterRetrier(eu, 50);
    const done = retrier.run();
    try {
      await eu.query(`UPDATE mr.dead_letter SET due_at = now() WHERE entity_id = 'due'`);
      // The planet's own worker may be as quick.
      await waitFor(async () => ((await letters("due"))[0]?.attempts ?? 0) >= 2, {
        what: "a retry",
      });
      const { rows } = await eu.query(
        `SELECT due_at > now() + interval '20 seconds' AS later FROM mr.dead_letter WHERE entity_id = 'due'`,
      );
      expect(rows).toEqual([{ later: true }]);
      await eu.query(`ALTER TABLE "Document" DROP CONSTRAINT no_bad`);
      await eu.query(`UPDATE mr.dead_letter SET due_at = now() WHERE entity_id = 'due'`);
      await waitForConvergence(planet.regions);
      expect(await audits("due")).toEqual([
        { actor_user: null, action: "dead-letter.retry", result: "drained" },
      ]);
    } finally {
      await retrier.stop();
      await done;
    }
  });

  it("keeps a JSON null, and fills a column that came after the event", async () => {
    await eu.query(
      `ALTER TABLE "ConflictResolution" ADD CONSTRAINT no_bad CHECK (choice <> 'edited') NOT VALID`,
    );
    await us.query(`INSERT INTO "ConflictResolution" (id, choice, value, "resolvedBy")
      VALUES ('null-value', 'edited', 'null', 'u')`);
    await parked("null-value");
    await eu.query(`ALTER TABLE "ConflictResolution" DROP CONSTRAINT no_bad`);
    // As if parked before the column was added.
    await eu.query(
      `UPDATE mr.dead_letter SET event = event - 'writtenClock' WHERE entity_id = 'null-value'`,
    );
    expect(await call(eu, "retry_dead_letters", "ConflictResolution", "null-value")).toMatchObject({
      kind: "drained",
    });
    await waitForConvergence(planet.regions);
  });

  it("lets the application read and decide, and write nothing", async () => {
    for (const statement of [
      `SELECT mr."deliver_Document"('us-east-1', '{}')`,
      `SELECT mr."deliver_isolated_Document"('us-east-1', '{}')`,
      `SELECT mr."rewrite_Document"(NULL)`,
      `SELECT mr.put_version('Document', '{}')`,
      `UPDATE mr.dead_letter SET status = 'drained'`,
      `DELETE FROM mr.audit`,
      `INSERT INTO mr.audit (action, subject, result) VALUES ('a', 'b', 'c')`,
    ]) {
      await expect(app.query(statement), statement).rejects.toMatchObject({ code: "42501" });
    }
    await us.query(
      `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ('sec', 'sec@example.com', 'S', 'the hash')`,
    );
    await waitForConvergence(planet.regions);
    await eu.query(
      `ALTER TABLE "User" ADD CONSTRAINT no_bad CHECK (name NOT LIKE 'bad%') NOT VALID`,
    );
    await us.query(`UPDATE "User" SET name = 'bad' WHERE id = 'sec'`);
    await parked("sec");
    const { rows } = await app.query("SELECT * FROM mr.list_dead_letters(10)");
    expect(rows).toMatchObject([{ entity: "User", entity_id: "sec", events: 1, origins: [US] }]);
    const detail = await call(app, "read_dead_letters", "User", "sec");
    expect(detail).toMatchObject({
      here: { name: "S" },
      editable: { name: "bad" },
      mayWrite: false,
      leader: US,
    });
    expect(JSON.stringify(detail)).not.toContain("the hash");
  });
});

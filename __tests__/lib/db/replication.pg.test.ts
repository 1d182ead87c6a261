import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { TOPOLOGIES } from "@/lib/policy-defaults";

interface Stamped {
  id: string;
  title: string;
  clock: Record<string, number>;
  hlc: string;
  origin: string;
  position: string;
  deletedAt: Date | null;
}

const LEADER = "us-east-1";

describe.each(TOPOLOGIES)("replication of three regions, %s", (topology) => {
  let planet: TestPlanet;
  /** The region that takes a write which is made from this one. */
  const takes = (region: string) => (topology === "single-leader" ? LEADER : region);
  /** What the triggers do is the same: once at full length is enough. */
  const perConnection = topology === "multi-leader" ? 1_250 : 250;
  const connections = 8;

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: { topology } });
    await planet.startWorkers();
  });
  afterAll(() => planet.stop());

  const read = async (region: string, id: string): Promise<Stamped | undefined> =>
    (
      await planet
        .region(region)
        .pool.query<Stamped>(`SELECT * FROM "Document" WHERE id = $1`, [id])
    ).rows[0];

  it("carries a row that plain SQL inserted to the others, with the same stamp", async () => {
    for (const origin of planet.ids) {
      const id = `from-${origin}`;
      const insert = planet
        .region(origin)
        .pool.query(
          `INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 'by hand', 'nobody')`,
          [id],
        );
      if (takes(origin) !== origin) {
        await expect(insert).rejects.toMatchObject({ code: "MR001", detail: LEADER });
        continue;
      }
      await insert;
      const written = await read(origin, id);
      expect(written).toMatchObject({ origin, clock: { [origin]: 1 } });
      for (const region of planet.ids) {
        const arrived = await waitFor(() => read(region, id), { what: `${id} in ${region}` });
        expect(arrived).toEqual(written);
      }
    }
  });

  it(`skips and repeats nothing of ${connections * perConnection} transactions that commit out of order`, async () => {
    const { pool } = planet.region("us-east-1");
    const others = planet.ids.filter((id) => id !== "us-east-1");
    const eventsBefore = await Promise.all(others.map((id) => events(planet, id, "us-east-1")));
    const held = new Set<string>();
    let committed = 0;
    const work = async (writer: number) => {
      const client = await pool.connect();
      try {
        for (let n = 0; n < perConnection; n++) {
          const id = `bulk-${writer}-${n}`;
          const insert = `INSERT INTO "Document" (id, title, "ownerId") VALUES ('${id}', 't', 'u')`;
          if (n % 50 === 7) {
            await client.query(`BEGIN; ${insert}; ROLLBACK`);
          } else if (n === ((writer + 1) * perConnection) / 12.5) {
            // Holds its position open while all the others commit higher ones.
            await client.query(`BEGIN; ${insert}`);
            held.add(id);
            await new Promise((resolve) => setTimeout(resolve, 2_000));
            await client.query("COMMIT");
            committed++;
          } else {
            await client.query(insert);
            committed++;
          }
        }
      } finally {
        client.release();
      }
    };
    await Promise.all(Array.from({ length: connections }, (_, writer) => work(writer)));
    expect(held.size).toBe(connections);
    expect(committed).toBe(connections * perConnection * 0.98);

    await waitForConvergence(planet.regions, 20_000);
    for (const [index, region] of others.entries()) {
      const { rows } = await planet
        .region(region)
        .pool.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM "Document" WHERE id LIKE 'bulk-%'`,
        );
      expect(rows[0]?.n).toBe(committed);
      const applied = (await events(planet, region, "us-east-1")) - (eventsBefore[index] ?? 0);
      expect(applied).toBe(committed);
    }
  });

  it("lets the later of two writes at once win everywhere, with the joined clock", async () => {
    const [us, eu] = [planet.region("us-east-1"), planet.region(takes("eu-west-1"))];
    await us.pool.query(
      `INSERT INTO "Document" (id, title, "ownerId") VALUES ('both', 'first', 'u')`,
    );
    await waitForConvergence(planet.regions);
    await Promise.all([
      us.pool.query(`UPDATE "Document" SET title = 'from us' WHERE id = 'both'`),
      eu.pool.query(`UPDATE "Document" SET title = 'from eu' WHERE id = 'both'`),
    ]);
    await waitForConvergence(planet.regions);
    const row = await read("ap-southeast-1", "both");
    if (us === eu) {
      // The leader put them in an order, and no region had to choose.
      expect(row?.clock).toEqual({ "us-east-1": 3 });
      expect(row?.title).toBe((await read(LEADER, "both"))?.title);
    } else {
      expect(row?.clock).toEqual({ "us-east-1": 2, "eu-west-1": 1 });
      expect(row?.title).toBe(row?.origin === "us-east-1" ? "from us" : "from eu");
    }
  });

  it("carries tombstones and refuses physical deletes", async () => {
    const { pool } = planet.region(takes("eu-west-1"));
    await pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('gone', 't', 'u')`);
    await expect(pool.query(`DELETE FROM "Document" WHERE id = 'gone'`)).rejects.toMatchObject({
      code: "MR002",
    });
    await expect(pool.query(`TRUNCATE "Document"`)).rejects.toMatchObject({ code: "MR002" });
    await pool.query(`UPDATE "Document" SET "deletedAt" = now() WHERE id = 'gone'`);
    await waitForConvergence(planet.regions);
    expect((await read("ap-southeast-1", "gone"))?.deletedAt).toBeInstanceOf(Date);
  });

  it("keeps one version of a row that is written often in one transaction and by many at once", async () => {
    const { pool } = planet.region("us-east-1");
    await pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('hot', '0', 'u')`);
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        pool.query(`BEGIN; UPDATE "Document" SET title = '${n}' WHERE id = 'hot';
                    UPDATE "Document" SET summary = '${n}' WHERE id = 'hot'; COMMIT`),
      ),
    );
    await waitForConvergence(planet.regions);
    expect((await read("eu-west-1", "hot"))?.clock).toEqual({ "us-east-1": 401 });
  });

  it("has a single-leader entity written by the leader alone", async () => {
    const insert = `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ('u1', 'a@example.com', 'A', 'x')`;
    await expect(planet.region("eu-west-1").pool.query(insert)).rejects.toMatchObject({
      code: "MR001",
      detail: "us-east-1",
    });
    await planet.region("us-east-1").pool.query(insert);
    await waitForConvergence(planet.regions);
    // An address that changes hands: in between two rows it is held twice.
    await planet.region("us-east-1").pool.query(`
      UPDATE "User" SET email = 'b@example.com' WHERE id = 'u1';
      INSERT INTO "User" (id, email, name, "passwordHash") VALUES ('u0', 'a@example.com', 'B', 'x')`);
    await waitForConvergence(planet.regions);
  });

  it("gives the application's role no way to write replication state", async () => {
    const { default: pg } = await import("pg");
    const region = takes("eu-west-1");
    const client = new pg.Client({ connectionString: planet.region(region).appUrl });
    await client.connect();
    try {
      for (const statement of [
        `UPDATE mr.cursor SET position = 0`,
        `DELETE FROM mr."outbox_Document"`,
        `UPDATE mr.leadership SET leader = 'eu-west-1'`,
        `SELECT mr.apply_batch('us-east-1', 0, 1, 4, now(), true)`,
        `SELECT mr.init_region('eu-west-1', 'eu-west-1', '{}')`,
        `SET ROLE mr_apply`,
        `SET session_replication_role = replica`,
        `ALTER TABLE "Document" DISABLE TRIGGER ALL`,
      ]) {
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: "42501" });
      }
      // Whatever a writer claims about its row, the stamp is the database's.
      await client.query(`INSERT INTO "Document" (id, title, "ownerId", clock, hlc, origin, position)
        VALUES ('claims', 't', 'u', '{"us-east-1": 99}', 9223372036854775807, 'us-east-1', 1)`);
      expect(await read(region, "claims")).toMatchObject({
        origin: region,
        clock: { [region]: 1 },
      });
    } finally {
      await client.end();
    }
  });

  it("trims what every region has applied, and nothing before", async () => {
    await waitForConvergence(planet.regions);
    await waitFor(
      async () => {
        const { rows } = await planet
          .region("us-east-1")
          .pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM mr."outbox_Document"`);
        return rows[0]?.n === 0;
      },
      { timeoutMs: 15_000, what: "an empty outbox" },
    );
  });
});

async function events(planet: TestPlanet, region: string, actor: string): Promise<number> {
  const { rows } = await planet
    .region(region)
    .pool.query<{ events: string }>(`SELECT events FROM mr.cursor WHERE actor = $1`, [actor]);
  return Number(rows[0]?.events ?? 0);
}

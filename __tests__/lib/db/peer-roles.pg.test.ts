import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { waitFor } from "@/__tests__/support/wait-for";
import { peerRole } from "@/lib/db/regions/peer-role";
import type { RegionId } from "@/lib/db/regions/region-id";
import { RegionWorker } from "@/lib/db/replication/region-worker";

const US = "us-east-1";
const EU = "eu-west-1";
const AP = "ap-southeast-1";
const DENIED = { code: "42501" };

/** What a worker reads of another region's tables. */
const TABLES = ["beat", "cursor", "entity", "leadership", "local", "peer_beat", "stall"];

/** What it calls there. */
const ROUTINES = [
  ...["status", "stability", "held", "seen_incarnation", "schema_version", "last_event"],
  ...["has_rows", "placed_rows"],
  ...["read_outbox", "read_rows", "rows_beyond"],
  ...["range_bounds", "hash_ranges", "list_range", "list_rows"],
  ...["probe", "control", "grant_lease", "hold_lease", "promise_epoch", "promise_and_tell"],
  ...[
    "release_lease",
    "rehearse",
    "unseen_events",
    "put_attempt",
    "local_region",
    "local_actor",
    "boot",
  ],
].sort();

describe("the role that workers reach other regions as", () => {
  let planet: TestPlanet;
  let us: pg.Pool;
  /** A worker of Dublin, in Virginia. */
  let dublin: pg.Pool;
  const workers: { worker: RegionWorker; done: Promise<void> }[] = [];

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER, failover: {} });
    us = planet.region(US).pool;
    dublin = new pg.Pool({
      connectionString: planet.topology(EU).endpoints(EU as RegionId, US as RegionId).peer,
    });
    for (const id of planet.ids) {
      const topology = planet.topology(id);
      const worker = new RegionWorker({
        ...topology,
        // Whoever logged in at another region as the owner would not get there.
        endpoints: (from, to) => {
          const endpoints = topology.endpoints(from, to);
          return from === to ? endpoints : { ...endpoints, direct: "postgresql://127.0.0.1:1/x" };
        },
      });
      workers.push({ worker, done: worker.run() });
    }
  });
  const stopWorkers = async () => {
    const running = workers.splice(0);
    await Promise.all(running.map(({ worker }) => worker.stop()));
    await Promise.all(running.map(({ done }) => done));
  };
  afterAll(async () => {
    await dublin.end();
    await stopWorkers();
    await planet.stop();
  });

  it("is enough for what workers do: elect, carry, observe", async () => {
    await waitFor(
      async () => (await us.query("SELECT FROM mr.lease WHERE valid_until > now()")).rowCount === 1,
      { what: "a leader" },
    );
    await us.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('d', 't', 'u')`);
    await waitForConvergence(planet.regions);
    for (const region of planet.regions) {
      const others = planet.ids.filter((id) => id !== region.id);
      await waitFor(
        async () => {
          const { rows } = await region.pool.query<{ region: string }>(
            `SELECT region FROM mr.peer WHERE observed_at > now() - interval '5 s' AND failed_since IS NULL AND region = ANY ($1)`,
            [others],
          );
          return rows.length === others.length;
        },
        { what: `${region.id} to have seen the others` },
      );
      const { rows } = await region.pool.query<{ usename: string }>(
        `SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database()
         AND usename LIKE 'meridian_peer%' ORDER BY 1`,
      );
      expect(rows.map(({ usename }) => usename).sort()).toEqual(others.map(peerRole).sort());
    }
  });

  it("reads no table that holds what people wrote, and changes none", async () => {
    const { rows } = await us.query<{ name: string; reads: boolean; writes: boolean }>(
      `SELECT c.relname AS name, has_any_column_privilege($1, c.oid, 'SELECT') AS reads,
         has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') AS writes
       FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace IN ('public'::regnamespace, 'mr'::regnamespace)`,
      [peerRole(EU)],
    );
    expect(rows.length).toBeGreaterThan(60);
    expect(
      rows
        .filter(({ reads }) => reads)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(TABLES);
    expect(rows.filter(({ writes }) => writes)).toEqual([]);
    await expect(dublin.query("SELECT detail FROM mr.stall")).rejects.toMatchObject(DENIED);
    await expect(dublin.query(`SELECT * FROM "Document"`)).rejects.toMatchObject(DENIED);
    await expect(dublin.query(`SELECT * FROM mr."outbox_Document"`)).rejects.toMatchObject(DENIED);
    await expect(dublin.query("SET ROLE meridian_app")).rejects.toMatchObject(DENIED);
    await expect(dublin.query("SET ROLE mr_apply")).rejects.toMatchObject(DENIED);
    await expect(dublin.query(`SET ROLE "${peerRole(AP)}"`)).rejects.toMatchObject(DENIED);
    await expect(dublin.query("CREATE TABLE public.mine ()")).rejects.toMatchObject(DENIED);
  });

  it("calls what workers ask of each other, and nothing else", async () => {
    const { rows } = await us.query<{ name: string }>(
      `SELECT DISTINCT proname AS name FROM pg_proc
       WHERE pronamespace IN ('public'::regnamespace, 'mr'::regnamespace) AND has_function_privilege($1, oid, 'EXECUTE')
       ORDER BY 1`,
      [peerRole(EU)],
    );
    expect(rows.map(({ name }) => name).sort()).toEqual(ROUTINES);
  });

  describe("of rows that are pinned elsewhere", () => {
    const SECRET = "for-us-and-singapore-alone";

    beforeAll(async () => {
      // Nothing is dropped from the outbox any more.
      await stopWorkers();
      await us.query(
        `INSERT INTO "Placement" (id, entity, "entityId", "ownerId", regions, "updatedBy")
         VALUES ('Document/pinned', 'Document', 'pinned', 'u', $1, 'u')`,
        [[US, AP]],
      );
      await us.query(
        `INSERT INTO "Document" (id, title, content, "ownerId") VALUES ('pinned', 't', $1, 'u')`,
        [SECRET],
      );
    });

    const tells = async (pool: pg.Pool, text: string, values: unknown[]) => {
      const { rows } = await pool.query<{ payload: Buffer | null }>(text, values);
      return rows.some(({ payload }) => payload?.includes(SECRET));
    };
    const outbox = "SELECT payload FROM mr.read_outbox(mr.last_event() - 1, 1000000, $1)";
    const rowsOf = "SELECT payload FROM mr.read_rows('Document', ARRAY['pinned'], $1)";

    it.each([outbox, rowsOf])("tells the region that may have them: %s", async (text) => {
      const singapore = new pg.Pool({
        connectionString: planet.topology(AP).endpoints(AP as RegionId, US as RegionId).peer,
      });
      expect(await tells(singapore, text, [AP])).toBe(true);
      await singapore.end();
      expect(await tells(dublin, text, [EU])).toBe(false);
    });

    it.each<[string, unknown[]]>([
      [outbox, [AP]],
      [outbox, [US]],
      [outbox, [null]],
      [rowsOf, [AP]],
      [rowsOf, [US]],
      [rowsOf, [null]],
      ["SELECT * FROM mr.list_rows('Document', ARRAY['pinned'], $1)", [[US, AP]]],
      ["SELECT * FROM mr.list_rows('Document', ARRAY['pinned'], $1)", [[]]],
      ["SELECT * FROM mr.list_range('Document', NULL, NULL, $1)", [[AP]]],
      ["SELECT * FROM mr.hash_ranges('Document', NULL, NULL, '{}', $1)", [[AP]]],
      ["SELECT mr.range_bounds('Document', NULL, NULL, 1, $1)", [[AP]]],
    ])("refuses who says to be another region: %s of %j", async (text, values) => {
      await expect(dublin.query(text, values)).rejects.toMatchObject(DENIED);
      // The owner may: repair by hand compares all of them.
      await expect(us.query(text, values)).resolves.toBeDefined();
    });

    it("says nothing of their content to who asks for what it may see", async () => {
      const { rows } = await dublin.query(
        "SELECT * FROM mr.list_rows('Document', ARRAY['pinned'], $1)",
        [[EU]],
      );
      expect(rows).toEqual([]);
      const { rows: theirs } = await us.query(
        "SELECT * FROM mr.list_rows('Document', ARRAY['pinned'], $1)",
        [[US, AP]],
      );
      expect(theirs).toHaveLength(1);
    });
  });

  it("logs nobody in before it is given a password", async () => {
    await us.query("SELECT mr.make_peer_role('of-nobody')");
    await us.query("SELECT mr.make_peer_role('of-nobody')");
    const { rows } = await us.query<{ rolcanlogin: boolean }>(
      "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'meridian_peer_of-nobody'",
    );
    expect(rows).toEqual([{ rolcanlogin: false }]);
    await us.query(`DROP ROLE "meridian_peer_of-nobody"`);
  });

  it("reads for nobody as a role that is no region's", async () => {
    await us.query(
      "CREATE ROLE stray_reader LOGIN PASSWORD 'stray-reader-of-a-test' IN ROLE mr_peer",
    );
    const url = new URL(planet.region(US).directUrl);
    url.username = "stray_reader";
    url.password = "stray-reader-of-a-test";
    const stray = new pg.Pool({ connectionString: url.href });
    try {
      for (const reader of [US, EU, null]) {
        await expect(
          stray.query("SELECT payload FROM mr.read_outbox(0, 10, $1)", [reader]),
        ).rejects.toMatchObject(DENIED);
      }
    } finally {
      await stray.end();
      await us.query("DROP ROLE stray_reader");
    }
  });
});

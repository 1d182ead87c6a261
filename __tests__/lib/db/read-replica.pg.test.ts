import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startOwnCluster, type OwnCluster } from "@/__tests__/support/own-cluster";
import { startPhysicalReplica, type PhysicalReplica } from "@/__tests__/support/physical-replica";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { ReadYourWritesManager, type SessionToken } from "@/lib/db/read-your-writes";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import type { PrismaClient } from "@/lib/generated/prisma/client";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;
const OWNER = { userId: "reader", sessionId: "session" };

let cluster: OwnCluster;
let replica: PhysicalReplica;
let planet: TestPlanet;
let runtime: Runtime;
let sessions: ReadYourWritesManager;
/** The owner's, of the replica. */
let standby: Client;

/** Dublin reads from a physical replica of its database, and writes to that itself. */
beforeAll(async () => {
  // Its files have to be at hand.
  cluster = await startOwnCluster(DUBLIN);
  replica = await startPhysicalReplica(cluster.adminUrl);
  planet = await startTestPlanet({ count: 2, clusters: [cluster], defaults: MULTI_LEADER });
  await planet.startWorkers();
  const topology = planet.topology(DUBLIN);
  const replicated = replica.of(planet.region(DUBLIN).appUrl);
  runtime = new Runtime(() => ({
    ...topology,
    // The tests' other ways to a database lead to the primary alone.
    driver: "pg",
    endpoints: (from, to) => {
      const endpoints = topology.endpoints(from, to);
      return to === DUBLIN ? { ...endpoints, read: replicated } : endpoints;
    },
  }));
  sessions = new ReadYourWritesManager(() => runtime);
  standby = new Client({ connectionString: replica.of(planet.region(DUBLIN).directUrl) });
  // Its database has to have come over first.
  await waitFor(
    async () => {
      const client = new Client({ connectionString: replica.of(planet.region(DUBLIN).directUrl) });
      return client
        .connect()
        .then(() => client.end())
        .then(
          () => true,
          () => false,
        );
    },
    { what: "the database on the replica" },
  );
  await standby.connect();
});
afterAll(async () => {
  await standby.end();
  await runtime.close();
  await planet.stop();
  await replica.stop();
  await cluster.remove();
});

const inRecovery = async (db: PrismaClient) => {
  const rows = await db.$queryRaw<{ replica: boolean }[]>`SELECT pg_is_in_recovery() AS replica`;
  return rows[0]?.replica;
};
/** Returns once the replay stands still: it is only asked for at first. */
async function pause(): Promise<void> {
  await standby.query("SELECT pg_wal_replay_pause()");
  await waitFor(
    async () => {
      const { rows } = await standby.query<{ state: string }>(
        "SELECT pg_get_wal_replay_pause_state() AS state",
      );
      return rows[0]?.state === "paused";
    },
    { what: "the replay to stand still" },
  );
}
const resume = () => standby.query("SELECT pg_wal_replay_resume()");

/** Written in Dublin; the token of a session that knows of it. */
async function write(title: string): Promise<{ id: string; token: SessionToken }> {
  const { id, origin, position } = await runtime.clients.write(DUBLIN, DUBLIN).document.create({
    data: { title, content: "", ownerId: OWNER.userId },
    select: { id: true, origin: true, position: true },
  });
  const event = { entityType: "Document" as const, entityId: id, origin, position };
  const token = await sessions.recordWrite(OWNER.userId, event, { vantage: DUBLIN });
  return { id, token: sessions.parseToken(OWNER, sessions.issueToken(OWNER, token)) };
}

const read = (id: string, token: SessionToken) =>
  sessions.ensureConsistency(
    OWNER.userId,
    DUBLIN,
    (db) => db.document.findUnique({ where: { id } }),
    { token, vantage: DUBLIN },
  );

describe("a region that reads from a physical replica", () => {
  it("reads there, and writes to the primary", async () => {
    expect(await inRecovery(runtime.clients.read(DUBLIN, DUBLIN))).toBe(true);
    expect(await inRecovery(runtime.clients.write(DUBLIN, DUBLIN))).toBe(false);
    expect(runtime.clients.read(DUBLIN, VIRGINIA)).toBe(runtime.clients.write(DUBLIN, VIRGINIA));
  });

  it("shows a session its own write while the replica has it", async () => {
    const { id, token } = await write("there");
    const { data } = await read(id, token);
    expect(data?.title).toBe("there");
  });

  it("passes the replica over while it lacks what the session wrote, and never shows less", async () => {
    await pause();
    try {
      const { id, token } = await write("not there yet");
      for (let n = 0; n < 10; n++) {
        const { data, regionId, receipt } = await read(id, token);
        expect(data?.title).toBe("not there yet");
        expect(regionId).toBe(DUBLIN);
        expect(receipt).toMatchObject({ reason: "primary", redirected: false, stale: false });
        for (const [actor, position] of Object.entries(receipt.required))
          expect(BigInt(receipt.applied[actor] ?? -1)).toBeGreaterThanOrEqual(BigInt(position));
      }
      // Not for having asked the wrong one: the replica answers, and has not got it.
      const direct = runtime.clients.read(DUBLIN, DUBLIN);
      expect(await direct.document.findUnique({ where: { id } })).toBeNull();
      await resume();
      await waitFor(async () => (await read(id, token)).receipt.reason !== "primary", {
        what: "a read of the replica",
      });
    } finally {
      await resume();
    }
  });

  it("never shows less to a session from elsewhere whose write has only come to the primary", async () => {
    await pause();
    try {
      const { id, origin, position } = await runtime.clients
        .write(DUBLIN, VIRGINIA)
        .document.create({ data: { title: "over there", content: "", ownerId: OWNER.userId } });
      const event = { entityType: "Document" as const, entityId: id, origin, position };
      const entries = await sessions.recordWrite(OWNER.userId, event, { vantage: DUBLIN });
      const token = sessions.parseToken(OWNER, sessions.issueToken(OWNER, entries));
      const primary = runtime.clients.write(DUBLIN, DUBLIN);
      await waitFor(async () => (await primary.document.findUnique({ where: { id } })) !== null, {
        what: "the document on Dublin's primary",
      });
      const { data, receipt } = await read(id, token);
      expect(data?.title).toBe("over there");
      expect(receipt).toMatchObject({ reason: "primary", stale: false, regionId: DUBLIN });
    } finally {
      await resume();
    }
  });

  it("asks the primary whether a position was ever assigned: a replica that is behind can't know", async () => {
    await pause();
    try {
      const { id, token } = await write("asked from Virginia");
      const { data, receipt } = await sessions.ensureConsistency(
        OWNER.userId,
        VIRGINIA,
        (db) => db.document.findUnique({ where: { id } }),
        { token, vantage: VIRGINIA },
      );
      expect(data?.title).toBe("asked from Virginia");
      expect(receipt.reason).not.toBe("invalid-token");
    } finally {
      await resume();
    }
  });

  it("gets what others write, through the primary", async () => {
    const { id } = await runtime.clients.write(DUBLIN, VIRGINIA).document.create({
      data: { title: "from Virginia", content: "", ownerId: OWNER.userId },
    });
    const direct = runtime.clients.read(DUBLIN, DUBLIN);
    await waitFor(async () => (await direct.document.findUnique({ where: { id } })) !== null, {
      what: "the document on Dublin's replica",
    });
  });
});

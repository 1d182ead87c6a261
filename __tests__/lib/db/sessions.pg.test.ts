import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { writeRow } from "@/lib/db/writes/write-row";
import { TOPOLOGIES } from "@/lib/policy-defaults";
import { GeoReplicationCoordinator } from "@/lib/db/geo-replication";
import { MultiRegionDb } from "@/lib/db/multi-region-config";
import { ReadYourWritesManager, type Receipt, type SessionToken } from "@/lib/db/read-your-writes";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { issueToken } from "@/lib/db/sessions/token";
import { toPosition, type Positions } from "@/lib/db/sessions/positions";

/** One process per region, as in production: they share databases and Redis, nothing else. */
interface Place {
  runtime: Runtime;
  sessions: ReadYourWritesManager;
  replication: GeoReplicationCoordinator;
  db: MultiRegionDb;
}

const LEADER = "us-east-1";

describe.each(TOPOLOGIES)("sessions over links with real delays, %s", (topology) => {
  let planet: TestPlanet;
  /** The region that takes a write which is made from this one. */
  const takes = (region: string) => (topology === "single-leader" ? LEADER : region);
  /** At full length once. What a leaderless write waits for, it holds a connection for. */
  const [users, rounds] = topology === "multi-leader" ? [20, 25] : [8, 12];
  const reads = users * rounds * 2;
  let places: Map<RegionId, Place>;

  beforeAll(async () => {
    planet = await startTestPlanet({ latency: true, defaults: { topology } });
    await planet.startWorkers();
    places = new Map(
      planet.ids.map((id) => {
        const runtime = planet.runtime(id);
        return [
          id,
          {
            runtime,
            sessions: new ReadYourWritesManager(() => runtime),
            replication: new GeoReplicationCoordinator(() => runtime),
            db: new MultiRegionDb(() => runtime),
          },
        ];
      }),
    );
    await waitFor(
      async () =>
        (await place("us-east-1").replication.getReplicationLags()).every(
          (lag) => lag.kind === "ok",
        ),
      { timeoutMs: 20_000, what: "every stream to be known" },
    );
    await openConnections();
  });
  afterAll(() => planet.stop());

  /** Opening one takes many round trips, and on a busy machine longer than a write may take. */
  const openConnections = () =>
    waitFor(
      async () => {
        const clients = [...places].flatMap(([from, { runtime }]) =>
          planet.ids.map((to) => runtime.clients.write(from, to)),
        );
        await Promise.all(
          clients.flatMap((db) =>
            Array.from({ length: users }, () => db.$queryRaw`SELECT pg_sleep(0.2)::text`),
          ),
        );
        return true;
      },
      { timeoutMs: 60_000, what: "connections between all regions" },
    );

  const place = (id: string): Place => {
    const found = places.get(id as RegionId);
    if (!found) throw new Error(`No place ${id}`);
    return found;
  };

  const write = async (
    at: string,
    user: string,
    id: string,
    title: string,
    { token, confirmMs }: { token?: SessionToken; confirmMs?: number } = {},
  ) => {
    const { runtime, sessions } = place(at);
    const written = await writeRow(
      "Document",
      at as RegionId,
      (db) =>
        db.document.upsert({
          where: { id },
          create: { id, title, ownerId: user },
          update: { title },
        }),
      { runtime: () => runtime, confirmMs, waitMs: 20_000 },
    );
    if (written.kind !== "placed") throw new Error(`The write was ${written.kind}`);
    const { value: row, regionId, confirmation } = written;
    expect(regionId).toBe(takes(at));
    const open = await sessions.recordWrite(user, row, { token });
    return { row, open, confirmation };
  };
  const titleFrom = (at: string, user: string, id: string, token?: SessionToken) =>
    place(at).sessions.ensureConsistency(
      user,
      at,
      (db) => db.document.findUnique({ where: { id } }),
      { token },
    );

  it(`answers ${reads} reads elsewhere right after a write, none of them stale`, async () => {
    const reasons = new Map<Receipt["reason"], number>();
    let stale = 0;
    let made = 0;
    let unconfirmed = 0;
    let longestMs = 0;
    const session = async (n: number) => {
      // As a browser does: each write's answer sets the cookie that the next requests bring.
      const owner = { userId: `user-${n}`, sessionId: `s-${n}` };
      let cookie: string | null = null;
      for (let round = 0; round < rounds; round++) {
        const at = planet.ids[(n + round) % planet.ids.length] as RegionId;
        const title = `${n}/${round}`;
        const token = place(at).sessions.parseToken(owner, cookie);
        const { open, confirmation } = await write(at, owner.userId, `doc-${n}`, title, {
          token,
          confirmMs: 15_000,
        });
        if (confirmation.kind === "indeterminate") unconfirmed++;
        cookie = place(at).sessions.issueToken(owner, open);
        for (const elsewhere of planet.ids.filter((id) => id !== at)) {
          const { data, receipt } = await titleFrom(
            elsewhere,
            owner.userId,
            `doc-${n}`,
            place(elsewhere).sessions.parseToken(owner, cookie),
          );
          made++;
          if (data?.title !== title || receipt.stale) stale++;
          reasons.set(receipt.reason, (reasons.get(receipt.reason) ?? 0) + 1);
          longestMs = Math.max(longestMs, receipt.elapsedMs);
        }
      }
    };
    await Promise.all(Array.from({ length: users }, (_, n) => session(n)));
    console.info(
      JSON.stringify({
        topology,
        made,
        stale,
        unconfirmed,
        longestMs,
        reasons: Object.fromEntries(reasons),
      }),
    );
    expect(made).toBe(reads);
    expect(stale).toBe(0);
    expect(unconfirmed).toBe(0);
    // A leaderless write has waited itself before it was acknowledged.
    if (topology !== "leaderless") {
      expect(
        (reasons.get("waited") ?? 0) + (reasons.get("redirected-behind") ?? 0),
      ).toBeGreaterThan(reads / 10);
    }
    expect(reasons.get("stale-fallback")).toBeUndefined();
  }, 120_000);

  it("knows on one device what another one wrote", async () => {
    for (let n = 0; n < 10; n++) {
      await write("us-east-1", "two-devices", "shared-doc", String(n));
      const { data, receipt } = await titleFrom("ap-southeast-1", "two-devices", "shared-doc");
      expect(receipt.sessionComplete).toBe(true);
      expect(data?.title).toBe(String(n));
    }
  });

  it("says where a write has arrived, and sends a row once more", async () => {
    const { sessions, replication } = place("us-east-1");
    await write("us-east-1", "asks", "asks", "t");
    expect(await sessions.hasReplicatedWrite("asks", "us-east-1")).toBe(true);
    expect(await sessions.getConsistentReadRegion("asks", "us-east-1")).toBe("us-east-1");
    await waitFor(() => sessions.hasReplicatedWrite("asks", "ap-southeast-1"), {
      what: "the write in ap-southeast-1",
    });
    expect(await replication.forceSync("Document", "asks", "us-east-1")).toBe(true);
    await waitForConvergence(planet.regions);
    const { data } = await titleFrom("ap-southeast-1", "asks", "asks");
    expect(data).toMatchObject({ title: "t", clock: { "us-east-1": 2 } });
    expect(await replication.forceSync("Document", "none", "us-east-1")).toBe(false);
    await expect(replication.forceSync("pg_class", "1", "us-east-1")).rejects.toMatchObject({
      code: "unknown-entity",
    });
    await expect(replication.forceSync("Document", "asks", "moon-1")).rejects.toMatchObject({
      code: "unknown-region",
    });
  });

  it("never goes back in time when it moves on after a read", async () => {
    await write("us-east-1", "author", "moving", "0");
    await waitForConvergence(planet.regions);
    for (let n = 1; n <= 20; n++) {
      await write("us-east-1", "author", "moving", String(n));
      const near = await titleFrom("us-east-1", "reader", "moving");
      const far = await titleFrom("ap-southeast-1", "reader", "moving");
      expect(Number(far.data?.title)).toBeGreaterThanOrEqual(Number(near.data?.title));
    }
    // A list says nothing of what it leaves out, but a document once seen deleted stays deleted.
    const us = place("us-east-1");
    const open = (at: string) =>
      place(at).sessions.ensureConsistency("reader", at, (db) =>
        db.document.findMany({ where: { id: "moving", deletedAt: null } }),
      );
    await us.db.getWriteClient("us-east-1").document.update({
      where: { id: "moving" },
      data: { deletedAt: new Date() },
    });
    expect((await open("us-east-1")).data).toEqual([]);
    expect((await open("ap-southeast-1")).data).toEqual([]);
  });

  it("makes no trip between regions for a read without open entries, and one for a write from afar", async () => {
    const { sessions, db } = place("eu-west-1");
    await write("eu-west-1", "quiet", "quiet-doc", "t");
    await waitForConvergence(planet.regions);
    // Until every region is known to have the write, the entry is open.
    await waitFor(
      async () => {
        const { receipt } = await titleFrom("eu-west-1", "quiet", "quiet-doc");
        return Object.keys(receipt.required).length === 0;
      },
      { what: "the entry to leave the session" },
    );
    const afar = db.getWriteClient("us-east-1");
    await afar.document.findUnique({ where: { id: "quiet-doc" } }); // opens the connection
    const appLinks = () => planet.link("eu-west-1", "us-east-1").postgres.counters.roundTrips;

    // The workers of this process use the same links, so they have to be still.
    await planet.pauseWorkers();
    onTestFinished(() => planet.resumeWorkers());
    const before = planet.crossRegionRoundTrips();
    for (let n = 0; n < 50; n++) {
      const { receipt } = await sessions.ensureConsistency("quiet", "eu-west-1", (client) =>
        client.document.findUnique({ where: { id: "quiet-doc" } }),
      );
      expect(receipt.reason).toBe("nearest");
    }
    expect(planet.crossRegionRoundTrips() - before).toBe(0);

    const beforeWrites = appLinks();
    for (let n = 0; n < 5; n++) {
      await afar.document.update({ where: { id: "quiet-doc" }, data: { title: `t${n}` } });
    }
    expect(appLinks() - beforeWrites).toBe(5);
  });

  it("sends a token that it does not believe to the leader, without an error and without hanging", async () => {
    await write("us-east-1", "owner", "guarded", "t");
    await waitForConvergence(planet.regions);
    const at = place("ap-southeast-1");
    // The first connections to the leader take many round trips; this is about the ones after that.
    await at.sessions.ensureConsistency("owner", "ap-southeast-1", (db) => db.document.count(), {
      level: "strong",
    });
    const owner = { userId: "owner", sessionId: "s1" };
    const keys = [{ id: "1", secret: planet.topology("us-east-1").sessionSecret }];
    const positions = (actor: string, position: bigint): Positions =>
      new Map([[actor as Actor, toPosition(position)]]);
    const good = issueToken(keys, owner, positions("us-east-1", 1_000n), Date.now()) as string;
    const future = issueToken(keys, owner, positions("us-east-1", 2n ** 60n), Date.now());
    const unknownRegion = issueToken(keys, owner, positions("moon-1", 5n), Date.now());
    const unknownIncarnation = issueToken(keys, owner, positions("us-east-1#7", 5n), Date.now());
    const cases: Record<string, string | null> = {
      forged: `${good.slice(0, -4)}AAAA`,
      foreign: issueToken(keys, { ...owner, sessionId: "other" }, new Map(), Date.now()),
      expired: issueToken(keys, owner, new Map(), 0),
      truncated: good.slice(0, good.length / 2),
      oversized: "x".repeat(10_000),
      future,
      unknownRegion,
      unknownIncarnation,
    };
    for (const [name, text] of Object.entries(cases)) {
      const { data, receipt } = await at.sessions.ensureConsistency(
        "owner",
        "ap-southeast-1",
        (db) => db.document.findUnique({ where: { id: "guarded" } }),
        { token: at.sessions.parseToken(owner, text) },
      );
      expect(data?.title, name).toBe("t");
      expect(receipt, name).toMatchObject({
        regionId: "us-east-1",
        reason: "invalid-token",
        redirected: true,
        stale: false,
      });
      expect(receipt.elapsedMs, name).toBeLessThan(2_500);
    }
    const believed = await titleFrom(
      "ap-southeast-1",
      "owner",
      "guarded",
      at.sessions.parseToken(owner, good),
    );
    expect(believed.receipt.regionId).toBe("ap-southeast-1");
  });

  it("serves each level where it says", async () => {
    await write("us-east-1", "levels", "levels", "t");
    await waitForConvergence(planet.regions);
    const { sessions } = place("ap-southeast-1");
    const read = (level: Parameters<typeof sessions.ensureConsistency>[3]) =>
      sessions.ensureConsistency(
        "someone",
        "ap-southeast-1",
        (db) => db.document.findUnique({ where: { id: "levels" } }),
        level,
      );
    expect((await read({ level: "strong" })).receipt).toMatchObject({
      level: "strong",
      regionId: "us-east-1",
      reason: "redirected-leader",
    });
    expect((await read({ level: "eventual" })).receipt).toMatchObject({
      regionId: "ap-southeast-1",
    });
    expect((await read({ level: { boundedMs: 5_000 } })).receipt).toMatchObject({
      level: "bounded",
      regionId: "ap-southeast-1",
      stale: false,
    });
    expect((await read({ level: { boundedMs: 0 } })).receipt).toMatchObject({ stale: true });
  });

  it("says that an answer is stale when the only region with the write is out of reach", async () => {
    const only = takes("eu-west-1");
    const reader = only === "us-east-1" ? "eu-west-1" : "us-east-1";
    const { row } = await write(only, "cut-off", "cut-off", "old");
    await waitForConvergence(planet.regions);
    for (const id of planet.ids.filter((other) => other !== only)) {
      planet.link(id, only).postgres.cut();
      planet.link(id, only).redis?.cut();
    }
    try {
      const newer = await write(only, "cut-off", "cut-off", "new", { confirmMs: 100 });
      expect(newer.confirmation.kind).toBe(topology === "leaderless" ? "indeterminate" : "region");
      expect(newer.row.position).toBeGreaterThan(row.position);
      const started = performance.now();
      const { data, receipt } = await titleFrom(reader, "cut-off", "cut-off");
      expect(data?.title).toBe("old");
      expect(receipt).toMatchObject({
        stale: true,
        reason: "stale-fallback",
        regionId: reader,
      });
      expect(performance.now() - started).toBeLessThan(5_000);
    } finally {
      for (const id of planet.ids.filter((other) => other !== only)) {
        planet.link(id, only).postgres.heal();
        planet.link(id, only).redis?.heal();
      }
    }
    const { data } = await titleFrom(reader, "cut-off", "cut-off");
    expect(data?.title).toBe("new");
  });
});

import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import { GeoReplicationCoordinator } from "@/lib/db/geo-replication";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import {
  decodeMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  type Batch,
  type BusMessage,
} from "@/lib/db/replication/batch";
import { batchChannel } from "@/lib/db/replication/bus";
import {
  applyBatch,
  connectStore,
  EVERYBODY,
  readEntityTypes,
  readOutbox,
  readOutboxWithin,
} from "@/lib/db/replication/store";
import { toPosition } from "@/lib/db/sessions/positions";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;

async function insert(planet: TestPlanet, region: string, prefix: string, count: number) {
  await planet
    .region(region)
    .pool.query(
      `INSERT INTO "Document" (id, title, "ownerId") SELECT $1 || n, 't', 'u' FROM generate_series(1, $2::int) n`,
      [prefix, count],
    );
}

async function cursorOf(planet: TestPlanet, region: string, actor: string) {
  const { rows } = await planet
    .region(region)
    .pool.query<{ position: string; events: string }>(
      `SELECT position, events FROM mr.cursor WHERE actor = $1`,
      [actor],
    );
  return { position: BigInt(rows[0]?.position ?? 0), events: Number(rows[0]?.events ?? 0) };
}

describe("a bus that cannot be trusted", () => {
  let planet: TestPlanet;
  let redis: Redis;

  beforeAll(async () => {
    planet = await startTestPlanet({ count: 2 });
    await planet.startWorkers();
    redis = new Redis(planet.topology(US).endpoints(US, US).redis as string);
  });
  afterAll(async () => {
    redis.disconnect();
    await planet.stop();
  });

  it("shrugs off garbage, forgeries, floods, duplicates and reordered batches", async () => {
    await insert(planet, US, "first-", 10);
    await waitForConvergence(planet.regions);
    const secret = planet.topology(US).replicationSecret;
    const batch = await readOutbox(planet.region(US).pool, EU, toPosition(0n), 1_000);
    const good = encodeMessage(secret, { kind: "batch", batch });
    const forged = encodeMessage("not-the-secret-not-the-secret-0123", { kind: "batch", batch });
    const future: Batch = {
      ...batch,
      prev: toPosition(10n ** 12n),
      upto: toPosition(10n ** 12n + 5n),
      rows: [],
    };
    const messages = [
      Buffer.alloc(0),
      Buffer.from("hello"),
      Buffer.alloc(10 * 1024 * 1024, 0x41),
      forged,
      good.subarray(0, good.length - 1),
      good,
      good,
      encodeMessage(secret, { kind: "batch", batch: future }),
      encodeMessage(secret, { kind: "batch", batch: { ...batch, actor: "moon-1" as Actor } }),
      encodeMessage(secret, { kind: "hint", actor: US as string as Actor, upto: toPosition(1n) }),
    ];
    const before = await cursorOf(planet, EU, US);
    for (const message of messages) await redis.publish(batchChannel(US), message);
    await insert(planet, US, "second-", 10);
    await waitForConvergence(planet.regions);
    const after = await cursorOf(planet, EU, US);
    expect(after.events - before.events).toBe(10);
    expect(after.position).toBeLessThan(10n ** 12n);
    const { rows } = await planet
      .region(EU)
      .pool.query(`SELECT FROM mr.cursor WHERE actor = 'moon-1'`);
    expect(rows).toHaveLength(0);
  });

  async function lastEventOf(region: RegionId): Promise<bigint> {
    const { rows } = await planet
      .region(region)
      .pool.query<{ last: string }>("SELECT mr.last_event()::text AS last");
    return BigInt(rows[0]?.last ?? 0);
  }

  const insertLarge = (prefix: string) =>
    planet.region(US).pool.query(
      `INSERT INTO "Document" (id, title, "ownerId", content)
       SELECT $1 || n, 't', 'u', repeat(md5(n::text), 3125) FROM generate_series(1, 30) n`,
      [prefix],
    );

  it("tells of what is too large to be pushed", async () => {
    const secret = planet.topology(US).replicationSecret;
    const heard: BusMessage[] = [];
    const listener = redis.duplicate();
    onTestFinished(() => listener.disconnect());
    await waitForConvergence(planet.regions);
    listener.on("messageBuffer", (_channel: Buffer, bytes: Buffer) => {
      const message = decodeMessage(secret, bytes);
      if (message) heard.push(message);
    });
    await listener.subscribe(batchChannel(US));
    // What was written before may have converged by a poll, and be pushed only now.
    const before = await lastEventOf(US);
    await insertLarge("large-");
    await waitForConvergence(planet.regions);
    const isNews = (message: BusMessage) =>
      message.kind === "heartbeat"
        ? false
        : (message.kind === "hint" ? message : message.batch).upto > before;
    await waitFor(() => heard.some(isNews), { what: "news of it" });
    const news = heard.filter(isNews);
    expect(news).toEqual([{ kind: "hint", actor: US, upto: expect.any(BigInt) as bigint }]);
  });

  it("leaves what is too large to be pushed in the database", async () => {
    // Nobody trims the outbox meanwhile.
    await planet.pauseWorkers();
    const { pool } = planet.region(US);
    const { rows } = await pool.query<{ last: string }>("SELECT mr.last_event()::text AS last");
    await insertLarge("larger-");
    const read = (maxBytes?: number) =>
      readOutboxWithin(pool, EVERYBODY, toPosition(rows[0]?.last ?? "0"), 1_000, { maxBytes });
    const whole = await read();
    expect(whole).toMatchObject({ events: 30, tooLarge: false });
    const bytes = whole.batch.rows[0]?.elements.length ?? 0;
    expect(bytes).toBeGreaterThan(MAX_MESSAGE_BYTES);
    const { upto } = whole.batch;
    expect(await read(bytes)).toMatchObject({ events: 30, tooLarge: false, batch: { upto } });
    const none = { upto, rows: [] };
    expect(await read(bytes - 1)).toMatchObject({ events: 30, tooLarge: true, batch: none });
    await planet.resumeWorkers();
    await waitForConvergence(planet.regions);
  });

  it("refuses a signed batch whose rows are not rows, and goes on", async () => {
    const { position } = await cursorOf(planet, EU, US);
    const { actor, schemaVersion, sourceTime } = await readOutbox(
      planet.region(US).pool,
      EU,
      toPosition(position),
      1,
    );
    const broken: Batch = {
      actor,
      schemaVersion,
      sourceTime,
      complete: true,
      prev: toPosition(position),
      upto: toPosition(position + 1n),
      rows: [{ entity: "Document", count: 3, elements: Buffer.from("not a composite") }],
    };
    const secret = planet.topology(US).replicationSecret;
    await redis.publish(batchChannel(US), encodeMessage(secret, { kind: "batch", batch: broken }));
    await insert(planet, US, "third-", 5);
    await waitForConvergence(planet.regions);
    await waitFor(
      async () => (await planet.region(EU).pool.query("SELECT FROM mr.stall")).rowCount === 0,
      { what: "the stream to flow again" },
    );
  });

  it("applies each batch once when several appliers have it at the same time", async () => {
    await planet.pauseWorkers();
    const { position, events } = await cursorOf(planet, EU, US);
    await insert(planet, US, "race-", 100);
    const batch = await readOutbox(planet.region(US).pool, EU, toPosition(position), 1_000);
    const pool = connectStore(planet.region(EU).directUrl, { max: 8 });
    try {
      const types = await readEntityTypes(pool);
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => applyBatch(pool, types, batch)),
      );
      expect(outcomes.filter((outcome) => outcome === "applied")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === "duplicate")).toHaveLength(7);
      expect((await cursorOf(planet, EU, US)).events - events).toBe(100);
      const skipping = {
        ...batch,
        prev: toPosition(batch.upto + 5n),
        upto: toPosition(batch.upto + 9n),
      };
      expect(await applyBatch(pool, types, skipping)).toBe("gap");
      const newer = {
        ...batch,
        prev: batch.upto,
        upto: toPosition(batch.upto + 1n),
        schemaVersion: 99,
      };
      expect(await applyBatch(pool, types, newer)).toBe("schema");
    } finally {
      await pool.end();
      await planet.resumeWorkers();
    }
    await waitForConvergence(planet.regions);
  });

  it("forgets the stall of a worker that died before its stream went on", async () => {
    await planet.pauseWorkers();
    const { pool } = planet.region(EU);
    await pool.query(
      `INSERT INTO mr.stall (actor, reason, detail) VALUES ('us-east-1', 'error', 'of a former run')`,
    );
    await planet.resumeWorkers();
    await waitFor(async () => (await pool.query("SELECT FROM mr.stall")).rowCount === 0, {
      what: "the stall to be forgotten",
    });
  });

  it("does not apply what a clock far ahead has stamped, says so, and goes on once it can", async () => {
    const runtime = planet.runtime(EU);
    const replication = new GeoReplicationCoordinator(() => runtime);
    const { pool } = planet.region(US);
    // What a server whose clock is 4 s ahead would have written.
    await pool.query(`
      ALTER TABLE "Document" DISABLE TRIGGER USER;
      INSERT INTO "Document" (id, title, "ownerId", clock, hlc, origin, position)
      VALUES ('ahead', 't', 'u', '{"us-east-1": 1}', mr.hlc_now() + (4000::bigint << 16), 'us-east-1', txid_current());
      INSERT INTO mr."outbox_Document" SELECT * FROM "Document" WHERE id = 'ahead';
      ALTER TABLE "Document" ENABLE TRIGGER USER;`);
    const stalled = await waitFor(
      async () => (await replication.getReplicationLags()).find((lag) => lag.kind === "stalled"),
      { what: "the stalled stream to be reported" },
    );
    expect(stalled).toMatchObject({ source: US, target: EU, reason: "clock-ahead" });
    expect(
      (await planet.region(EU).pool.query(`SELECT FROM "Document" WHERE id = 'ahead'`)).rowCount,
    ).toBe(0);
    await waitForConvergence(planet.regions);
    await waitFor(
      async () => (await replication.getReplicationLags()).every((lag) => lag.kind === "ok"),
      {
        what: "every stream to flow",
      },
    );
  });
});

describe("without Redis", () => {
  it("replicates by LISTEN and NOTIFY, and serves sessions", async () => {
    const planet = await startTestPlanet({ redis: false });
    try {
      await planet.startWorkers();
      for (let n = 0; n < 10; n++) {
        await insert(planet, US, `bare-${n}-`, 3);
        const started = performance.now();
        await waitForConvergence(planet.regions);
        if (n > 0) expect(performance.now() - started).toBeLessThan(1_500);
      }
      const replication = new GeoReplicationCoordinator(() => runtime);
      const runtime = planet.runtime(EU);
      await waitFor(
        async () => (await replication.getReplicationLags()).every((lag) => lag.kind === "ok"),
        {
          what: "every stream to be known",
        },
      );
    } finally {
      await planet.stop();
    }
  });

  it("goes on when Redis is lost in mid-stream, and uses it again when it is back", async () => {
    const planet = await startTestPlanet({ count: 2, defaults: MULTI_LEADER });
    try {
      await planet.startWorkers();
      await insert(planet, US, "before-", 5);
      await waitForConvergence(planet.regions);
      const links = planet.ids.flatMap((from) =>
        planet.ids.map((to) => planet.link(from, to).redis),
      );
      for (const link of links) await link?.refuse();
      await insert(planet, US, "during-", 5);
      await insert(planet, EU, "during-eu-", 5);
      await waitForConvergence(planet.regions);
      for (const link of links) await link?.heal();
      await insert(planet, US, "after-", 5);
      await waitForConvergence(planet.regions);
    } finally {
      await planet.stop();
    }
  });
});

import Redis from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { testStores } from "@/__tests__/support/stores";
import { waitFor } from "@/__tests__/support/wait-for";
import { ReadYourWritesManager, type CacheKey, type SessionToken } from "@/lib/db/read-your-writes";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { keepAnswer, keptKey, KEPT_WITHIN_MS } from "@/lib/db/sessions/kept-answers";
import { missingPositions, NOTHING, toPosition } from "@/lib/db/sessions/positions";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;

describe("the read cache of a region", () => {
  let planet: TestPlanet;
  let runtime: Runtime;
  let redis: Redis;
  let made = 0;
  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: { topology: "multi-leader" } });
    await planet.startWorkers();
    runtime = planet.runtime(EU);
    redis = new Redis(testStores().redisUrl);
  });
  afterAll(async () => {
    redis.disconnect();
    await planet.stop();
  });

  const keyOf = (id: string): CacheKey => ({ entity: "Document", id, variant: "row" });
  const create = async (region: RegionId, title = "first") => {
    const id = `kept-${process.pid}-${Date.now()}-${made++}`;
    const row = await runtime.clients
      .write(EU, region)
      .document.create({ data: { id, title, content: "", ownerId: "somebody" } });
    // By then Dublin's publisher has told of it: what is kept from now on is not dropped for that.
    const there = runtime.clients.read(EU, US);
    const hasIt = async () => (await there.document.count({ where: { id } })) === 1;
    await waitFor(hasIt, { timeoutMs: 10_000, what: "the row to be in Virginia" });
    return row;
  };
  const change = (region: RegionId, id: string, title: string) =>
    runtime.clients.write(EU, region).document.update({ where: { id }, data: { title } });

  /** Of Dublin, and whether its database was asked. */
  async function read(
    id: string,
    {
      user = "reader",
      by = runtime,
      cache = keyOf(id),
      token,
    }: { user?: string; token?: SessionToken; by?: Runtime; cache?: CacheKey | null } = {},
  ) {
    let asked = 0;
    const find = (db: ReturnType<Runtime["clients"]["read"]>) => {
      asked++;
      return db.document.findUnique({ where: { id } });
    };
    const options = { vantage: EU, ...(cache ? { cache } : {}), ...(token ? { token } : {}) };
    const manager = new ReadYourWritesManager(() => by);
    const answer = await manager.ensureConsistency(user, EU, find, options);
    expect(answer.receipt.stale).toBe(false);
    expect(answer.receipt.fromCache === true).toBe(asked === 0);
    return { ...answer, title: answer.data?.title, cached: asked === 0 };
  }
  const untilKept = (id: string, title?: string) =>
    waitFor(
      async () => {
        const answer = await read(id);
        return answer.cached && (title === undefined || answer.title === title) ? answer : null;
      },
      { timeoutMs: 10_000, what: "an answer to be kept" },
    );
  const keptText = (id: string) => redis.hget(keptKey(EU, "Document", id), "row");
  /** As what is on its way when the row changes, and arrives later. */
  const putBack = (id: string, text: string) =>
    redis.hset(keptKey(EU, "Document", id), "row", text);

  it("answers without the database, with the same row, to others too", async () => {
    const row = await create(EU);
    const kept = await untilKept(row.id);
    expect(kept.data).toEqual(row);
    expect(kept.receipt).toMatchObject({ reason: "nearest", regionId: EU, stale: false });
    expect(await read(row.id, { user: "another" })).toMatchObject({ cached: true, data: row });
    // Each shape of an answer has its own name.
    const other = { ...keyOf(row.id), variant: "other" };
    expect((await read(row.id, { cache: other })).cached).toBe(false);
  });

  it("keeps that there is nothing, until there is something", async () => {
    const id = `kept-later-${Date.now()}`;
    expect((await untilKept(id)).data).toBeNull();
    await runtime.clients
      .write(EU, US)
      .document.create({ data: { id, title: "now", content: "", ownerId: "somebody" } });
    await waitFor(async () => (await read(id)).title === "now", {
      timeoutMs: 10_000,
      what: "the row to be shown",
    });
  });

  it.each([
    ["was changed there", EU],
    ["was changed elsewhere and has come", US],
  ])("drops a row that %s", async (_, region) => {
    const row = await create(EU);
    await untilKept(row.id);
    const before = (await keptText(row.id))!;
    await change(region, row.id, "second");
    await waitFor(async () => (await keptText(row.id)) !== before, {
      timeoutMs: KEPT_WITHIN_MS - 1_000,
      what: "what was kept to be dropped",
    });
    await untilKept(row.id, "second");
  });

  it("never shows a session less than it wrote, whatever is kept and however late it comes", async () => {
    const row = await create(EU);
    await untilKept(row.id);
    for (let round = 0; round < 20; round++) {
      const before = (await keptText(row.id)) ?? "";
      const region = round % 2 === 0 ? US : EU;
      const { origin, position } = await change(region, row.id, `round ${round}`);
      const positions = new Map([[origin as Actor, toPosition(position)]]);
      const token: SessionToken = { kind: "valid", positions };
      for (let n = 0; n < 5; n++) {
        if (before !== "") await putBack(row.id, before);
        const shown = await read(row.id, { user: "writer", token });
        expect(shown.title).toBe(`round ${round}`);
      }
    }
  });

  it("never takes a session back behind what it saw, and nobody for long", async () => {
    const row = await create(EU);
    await untilKept(row.id);
    const before = (await keptText(row.id))!;
    await change(EU, row.id, "second");
    const changedAtMs = performance.now();
    // Past the cache: that session has seen the second title from now on, and has no token that says so.
    expect((await read(row.id, { user: "seer", cache: null })).title).toBe("second");
    let late = 0;
    for (let n = 0, agoMs = 0; agoMs < KEPT_WITHIN_MS + 2_000; n++) {
      await putBack(row.id, before);
      agoMs = performance.now() - changedAtMs;
      const { title } = await read(row.id, { user: `stranger ${n}` });
      if (title === "first") late = agoMs;
      await putBack(row.id, before);
      expect((await read(row.id, { user: "seer" })).title).toBe("second");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // What was put back was served for a while, or this would say nothing.
    expect(late).toBeGreaterThan(0);
    expect(late).toBeLessThan(KEPT_WITHIN_MS + 1_000);
  });

  it("does not have what a transaction writes that is still open when it is read", async () => {
    const row = await create(EU);
    const client = await planet.region(EU).pool.connect();
    try {
      await client.query("BEGIN");
      const changed = await client.query<{ origin: Actor; position: string }>(
        `UPDATE "Document" SET title = 'second' WHERE id = $1 RETURNING origin, position`,
        [row.id],
      );
      const { origin, position } = changed.rows[0]!;
      const positions = new Map([[origin, toPosition(position)]]);
      // Until the region has said that it has the transaction's position: what is kept from then on is read after that.
      await waitFor(
        async () => missingPositions(positions, await runtime.applied.refresh(EU, EU)).size === 0,
        { what: "the position to be there" },
      );
      await redis.del(keptKey(EU, "Document", row.id));
      await untilKept(row.id, "first");
      const before = (await keptText(row.id))!;
      await client.query("COMMIT");
      for (let n = 0; n < 5; n++) {
        await putBack(row.id, before);
        const shown = await read(row.id, { user: "writer", token: { kind: "valid", positions } });
        expect(shown.title).toBe("second");
      }
    } finally {
      client.release();
    }
  });

  it("keeps nothing of a row of which the region could not store a version", async () => {
    const eu = planet.region(EU).pool;
    const id = `kept-parked-${Date.now()}`;
    await eu.query(`ALTER TABLE "Document" ADD CONSTRAINT no_bad CHECK (title <> 'bad')`);
    await runtime.clients
      .write(EU, US)
      .document.create({ data: { id, title: "bad", content: "", ownerId: "somebody" } });
    const parked = async () => {
      const { rows } = await eu.query("SELECT mr.is_pending('Document', $1) AS pending", [id]);
      return (rows as { pending: boolean }[])[0]!.pending;
    };
    await waitFor(parked, { timeoutMs: 10_000, what: "the row to be parked" });
    for (let n = 0; n < 15; n++) {
      expect(await read(id)).toMatchObject({ cached: false, data: null, pending: true });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await eu.query(`ALTER TABLE "Document" DROP CONSTRAINT no_bad`);
    await eu.query("SELECT mr.retry_dead_letters('Document', $1, 'tester')", [id]);
    const stored = await read(id);
    expect(stored).toMatchObject({ title: "bad" });
    expect(stored.pending).toBeUndefined();
  });

  it("is answered by another region where its own does not say soon whether a version is parked", async () => {
    const row = await create(EU);
    const client = await planet.region(EU).pool.connect();
    try {
      await client.query("BEGIN; LOCK TABLE mr.dead_letter IN ACCESS EXCLUSIVE MODE");
      const by = planet.runtime(EU);
      const answer = read(row.id, { by });
      const held = new Promise((resolve) => setTimeout(() => resolve("nothing"), 6_000));
      expect(await Promise.race([answer, held])).toMatchObject({ title: "first", regionId: US });
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  });

  it("does not take an older answer in place of a newer one", async () => {
    const row = await create(EU);
    await untilKept(row.id);
    const text = (await keptText(row.id))!;
    const late = { region: EU, key: keyOf(row.id), text: "0\nolder\n" };
    const own = planet.runtime(EU).redis.of(EU, EU);
    await keepAnswer(own, { ...late, had: NOTHING });
    expect(await keptText(row.id)).toBe(text);
    const newer = new Map(
      [...text.split("\n")[0]!.split(" ")].map((part): [Actor, ReturnType<typeof toPosition>] => {
        const [actor = "", digits = "0"] = part.split("=");
        return [actor as Actor, toPosition(BigInt(digits) + 1n)];
      }),
    );
    await keepAnswer(own, { ...late, had: newer });
    expect(await keptText(row.id)).toBe(late.text);
  });

  it.each([
    ["garbage", () => "garbage"],
    ["an answer with another title", (text: string) => text.replace("first", "wrong")],
    ["the answer of another row", (_: string, other: string) => other],
  ])("does not show %s", async (_, forge) => {
    const [row, other] = [await create(EU), await create(EU, "wrong")];
    await untilKept(other.id);
    await untilKept(row.id);
    const forged = forge((await keptText(row.id))!, (await keptText(other.id))!);
    await putBack(row.id, forged);
    expect(await read(row.id)).toMatchObject({ title: "first", cached: false });
  });

  it("is left alone for a token that is not believed, and by a process that knows nothing yet", async () => {
    const row = await create(EU);
    await untilKept(row.id);
    const token: SessionToken = { kind: "invalid", problem: "forged" };
    const options = { vantage: EU, cache: keyOf(row.id), token };
    const manager = new ReadYourWritesManager(() => runtime);
    const { receipt } = await manager.ensureConsistency(
      "forger",
      EU,
      (db) => db.document.findUnique({ where: { id: row.id } }),
      options,
    );
    expect(receipt.fromCache).toBeUndefined();
    expect((await read(row.id, { by: planet.runtime(EU) })).cached).toBe(false);
  });

  it("is of the region that answers: another one's Redis gets nothing", async () => {
    const row = await create(EU);
    await untilKept(row.id);
    const manager = new ReadYourWritesManager(() => runtime);
    const find = (db: ReturnType<Runtime["clients"]["read"]>) =>
      db.document.findUnique({ where: { id: row.id } });
    // Read across, as what may be there alone.
    const options = { vantage: EU, residents: [US], cache: { ...keyOf(row.id), variant: "us" } };
    await manager.ensureConsistency("reader", EU, find, options);
    await manager.ensureConsistency("reader", US, find, { ...options, residents: undefined });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await redis.hkeys(keptKey(EU, "Document", row.id))).not.toContain("us");
    expect(await redis.exists(keptKey(US, "Document", row.id))).toBe(0);
  });
});

describe("the read cache without Redis", () => {
  it("asks the database", async () => {
    const planet = await startTestPlanet({ redis: false });
    try {
      const manager = new ReadYourWritesManager(() => planet.runtime(EU));
      const cache: CacheKey = { entity: "Document", id: "none", variant: "row" };
      for (let n = 0; n < 3; n++) {
        const { data, receipt } = await manager.ensureConsistency(
          "reader",
          EU,
          (db) => db.document.findUnique({ where: { id: "none" } }),
          { vantage: EU, cache },
        );
        expect(data).toBeNull();
        expect(receipt).toMatchObject({ stale: false, sessionComplete: false });
        expect(receipt.fromCache).toBeUndefined();
      }
    } finally {
      await planet.stop();
    }
  });
});

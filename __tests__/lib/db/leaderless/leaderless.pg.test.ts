import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import pg from "pg";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { untilSteady, waitFor } from "@/__tests__/support/wait-for";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { RowSyncer } from "@/lib/db/replication/row-syncer";
import { confirmWrite } from "@/lib/db/writes/confirm-write";
import { writeRow, type RowWrite } from "@/lib/db/writes/write-row";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const AP = "ap-southeast-1" as RegionId;
const ALL = [US, EU, AP];

let planet: TestPlanet;
const runtimes = new Map<RegionId, Runtime>();

beforeAll(async () => {
  planet = await startTestPlanet({ defaults: { topology: "leaderless" } });
});
afterAll(() => planet.stop());

const runtime = (at: RegionId) => {
  const found = runtimes.get(at);
  if (!found) throw new Error(`No runtime of ${at}`);
  return found;
};
function useRuntimes(settings?: Parameters<TestPlanet["runtime"]>[1]): void {
  for (const id of ALL) runtimes.set(id, planet.runtime(id, settings));
}
const sessions = (at: RegionId) => new ReadYourWritesManager(() => runtime(at));

interface Titled {
  id: string;
  title: string;
  origin: string;
  position: bigint;
}

const write = (at: RegionId, id: string, title: string, confirmMs?: number) =>
  writeRow<Titled>(
    "Document",
    at,
    (db) =>
      db.document.upsert({
        where: { id },
        create: { id, title, ownerId: "u" },
        update: { title },
      }),
    { runtime: () => runtime(at), confirmMs },
  );

const read = (at: RegionId, id: string, level: "session" | "strong" = "session") =>
  sessions(at).readRow(`reader in ${at}`, "Document", id, { vantage: at, level });

function placed<T>(written: RowWrite<T>) {
  if (written.kind !== "placed") throw new Error(`The write was ${written.kind}`);
  return written;
}

/** Both ways, and for its worker and the web in it. */
function cutOff(region: RegionId): () => void {
  const links = ALL.filter((id) => id !== region).flatMap((id) => [
    planet.link(id, region),
    planet.link(region, id),
  ]);
  for (const { postgres, redis } of links) {
    postgres.cut();
    redis?.cut();
  }
  return () => {
    for (const { postgres, redis } of links) {
      postgres.heal();
      redis?.heal();
    }
  };
}

/** What a former test took away is back, and known to be. */
async function untilWhole(): Promise<void> {
  const knowsAll = () =>
    ALL.every((at) => ALL.every((region) => runtime(at).state.isHealthy(at, region)));
  await waitFor(knowsAll, { timeoutMs: 10_000, what: "every region to be known as up" });
  await waitForConvergence(planet.regions, 20_000);
}

const titleIn = async (region: RegionId, id: string): Promise<string | undefined> =>
  (
    await planet
      .region(region)
      .pool.query<{ title: string }>(`SELECT title FROM "Document" WHERE id = $1`, [id])
  ).rows[0]?.title;

const plainWrite = (region: RegionId, id: string, title: string) =>
  planet.region(region).pool.query(
    `INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, $2, 'u')
     ON CONFLICT (id) DO UPDATE SET title = excluded.title`,
    [id, title],
  );

const pools = () => new Map(ALL.map((id) => [id, planet.region(id).pool]));
const syncer = (region: RegionId) =>
  new RowSyncer({ region, local: planet.region(region).pool, peers: pools() });
const wishes = async (region: RegionId) =>
  (
    await planet
      .region(region)
      .pool.query<{ entity_id: string; source: string }>(
        "SELECT entity_id, source FROM mr.sync_wish ORDER BY entity_id, source",
      )
  ).rows;
const makeDue = (region: RegionId) =>
  planet.region(region).pool.query("UPDATE mr.sync_wish SET due_at = clock_timestamp()");

describe("without replication", () => {
  // Which regions answer has to be known here: none is passed over because the machine is busy.
  beforeAll(() => useRuntimes({ quorumHedgeMs: 2_000 }));

  it("does not acknowledge what no other region has, and says so", async () => {
    const written = placed(await write(US, "alone", "a", 400));
    expect(written).toMatchObject({ regionId: US, reason: "nearest" });
    expect(written.confirmation).toMatchObject({
      kind: "indeterminate",
      needed: 2,
      regions: [US],
    });
  });

  it("reads the newest version, and brings the regions that are behind up to date", async () => {
    await plainWrite(US, "behind", "new");
    expect(await titleIn(EU, "behind")).toBeUndefined();
    // From Dublin: Dublin itself, which has nothing, and Virginia.
    const { data, receipt } = await read(EU, "behind");
    expect(data?.values.title).toBe("new");
    expect(receipt).toMatchObject({
      reason: "quorum",
      regionId: US,
      stale: false,
      copies: { needed: 2, regions: [EU, US] },
      repaired: [EU],
    });
    // Asking again notes nothing anew.
    await read(EU, "behind");
    expect(await wishes(EU)).toEqual([{ entity_id: "behind", source: US }]);
    await makeDue(EU);
    const merged = await Promise.all([syncer(EU).tick(), syncer(EU).tick()]);
    expect(merged.sort()).toEqual([0, 1]);
    expect(await titleIn(EU, "behind")).toBe("new");
    expect(await wishes(EU)).toEqual([]);
    expect((await read(EU, "behind")).receipt).toMatchObject({ regionId: EU, repaired: [] });
  });

  it("costs one trip to each other region that is asked", async () => {
    const { state } = runtime(US);
    const { counters } = planet.link(US, EU).postgres;
    let made: { trips: number; ms: number };
    do {
      await read(US, "behind");
      // A connection that is new rehearses a write once it has not been used for a while.
      await untilSteady(() => counters.roundTrips);
      // Overviews are read again after a second, over the same links.
      await Promise.all(ALL.map((region) => state.refresh(US, region)));
      const [before, startedMs] = [counters.roundTrips, performance.now()];
      for (let n = 0; n < 3; n++) await read(US, "behind");
      made = { trips: counters.roundTrips - before, ms: performance.now() - startedMs };
    } while (made.ms > 800);
    expect(made.trips).toBe(3);
  });

  it("reads a row of another topology as that is read", async () => {
    await planet
      .region(US)
      .pool.query(
        `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ('led', 'l@example.com', 'L', '')`,
      );
    const { data, receipt } = await sessions(EU).readRow("reader", "User", "led", {
      vantage: EU,
      level: "strong",
    });
    expect(data?.values.name).toBe("L");
    expect(receipt).toMatchObject({ regionId: US, reason: "redirected-leader" });
    expect(receipt.copies).toBeUndefined();
  });

  it("does not fetch what has arrived meanwhile, nor the same twice", async () => {
    await plainWrite(US, "arrived", "a");
    await read(EU, "arrived");
    await makeDue(EU);
    expect(await syncer(EU).tick()).toBe(1);
    await planet.region(EU).pool.query(
      `INSERT INTO mr.sync_wish (entity, entity_id, source, clock, due_at)
         SELECT 'Document', id, $1, clock, clock_timestamp() FROM "Document" WHERE id = 'arrived'`,
      [US],
    );
    expect(await syncer(EU).tick()).toBe(0);
    expect(await wishes(EU)).toEqual([]);
  });

  it("waits, at level strong, until no later read can return less, or says that it did not", async () => {
    await plainWrite(US, "final", "a");
    const early = await read(EU, "final", "strong");
    expect(early.data?.values.title).toBe("a");
    expect(early.receipt).toMatchObject({ level: "strong", quorum: "unconfirmed" });
    const worker = syncer(EU);
    const running = worker.run();
    const late = await read(EU, "final", "strong");
    await worker.stop();
    await running;
    expect(late.receipt.quorum).toBe("held");
    expect(await titleIn(EU, "final")).toBe("a");
  });

  it("tries again where the source cannot be reached, and gives up in the end", async () => {
    await plainWrite(US, "unreachable", "a");
    await read(EU, "unreachable");
    const gone = new pg.Pool({ connectionString: "postgresql://nobody@127.0.0.1:1/nowhere" });
    onTestFinished(() => gone.end());
    const alone = new RowSyncer({
      region: EU,
      local: planet.region(EU).pool,
      peers: new Map([[US, gone]]),
    });
    for (let attempts = 1; attempts <= 8; attempts++) {
      await makeDue(EU);
      expect(await alone.tick()).toBe(0);
      const { rows } = await planet.region(EU).pool.query("SELECT attempts FROM mr.sync_wish");
      expect(rows).toEqual([{ attempts }]);
    }
    await makeDue(EU);
    await alone.tick();
    expect(await wishes(EU)).toEqual([]);
  });

  it("does not count a region that is being brought up to date", async () => {
    await plainWrite(US, "rebuilt", "a");
    const { pool } = planet.region(US);
    await pool.query("UPDATE mr.local SET state = 'copying'");
    onTestFinished(async () => {
      await pool.query("UPDATE mr.local SET state = 'ready'");
    });
    const { data, receipt } = await read(EU, "rebuilt");
    expect(data).toBeNull();
    expect(receipt.copies).toEqual({ needed: 2, regions: [EU, AP] });
    // Nor is anything fetched from it.
    await planet
      .region(EU)
      .pool.query(
        `INSERT INTO mr.sync_wish VALUES ('Document', 'rebuilt', $1, '{"us-east-1": 1}', 0, now())`,
        [US],
      );
    expect(await syncer(EU).tick()).toBe(0);
    expect(await titleIn(EU, "rebuilt")).toBeUndefined();
    await planet.region(EU).pool.query("DELETE FROM mr.sync_wish");
  });

  it("says when too few regions answer, and when all that do lack what the session saw", async () => {
    const { value } = placed(await write(AP, "far", "a", 100));
    await sessions(AP).recordWrite("traveller", value, { vantage: AP });
    const own = await sessions(AP).readRow("traveller", "Document", "far", { vantage: AP });
    expect(own.data?.values.title).toBe("a");
    const healAp = cutOff(AP);
    const stale = await sessions(EU).readRow("traveller", "Document", "far", { vantage: EU });
    expect(stale.data).toBeNull();
    expect(stale.receipt).toMatchObject({ stale: true, reason: "quorum" });
    const healUs = cutOff(US);
    const few = await read(EU, "behind");
    healAp();
    healUs();
    expect(few.data?.values.title).toBe("new");
    expect(few.receipt).toMatchObject({ stale: true, reason: "no-quorum", regionId: EU });
  });

  it("joins concurrent versions as the regions will", async () => {
    await plainWrite(US, "both", "base");
    await read(EU, "both");
    await makeDue(EU);
    await syncer(EU).tick();
    await planet
      .region(US)
      .pool.query(`UPDATE "Document" SET title = 'us', summary = 'us' WHERE id = 'both'`);
    await planet
      .region(EU)
      .pool.query(`UPDATE "Document" SET title = 'eu', summary = 'eu' WHERE id = 'both'`);
    const joined = await read(US, "both");
    expect(joined.receipt.copies?.regions).toEqual([US, EU]);
    expect(joined.receipt.repaired?.sort()).toEqual([EU, US]);
    expect(joined.data?.clock).toEqual({ [US]: 2, [EU]: 1 });
    await planet.startWorkers();
    await waitForConvergence(planet.regions);
    const converged = await read(AP, "both");
    expect(converged.receipt.repaired).toEqual([]);
    expect(converged.data).toEqual(joined.data);
    // And the loser is kept, for somebody to choose.
    const { rowCount } = await planet
      .region(AP)
      .pool.query(`SELECT FROM "Conflict" WHERE "entityId" = 'both' AND field = 'summary'`);
    expect(rowCount).toBe(1);
  });
});

describe("with replication", () => {
  beforeAll(() => useRuntimes());

  it.each(ALL)("reads every acknowledged write while %s is cut off", async (victim) => {
    await untilWhole();
    const heal = cutOff(victim);
    onTestFinished(heal);
    const [near, far] = ALL.filter((id) => id !== victim) as [RegionId, RegionId];
    for (let n = 0; n < 10; n++) {
      const [writer, reader] = n % 2 === 0 ? [near, far] : [far, near];
      const id = `seen without ${victim}`;
      const { confirmation } = placed(await write(writer, id, `${n}`));
      expect(confirmation).toMatchObject({ kind: "held", needed: 2 });
      const { data, receipt } = await read(reader, id);
      expect(data?.values.title).toBe(`${n}`);
      expect(receipt).toMatchObject({ stale: false, copies: { needed: 2 } });
      // The region that is cut off may take writes too, and acknowledges none.
      if (n === 0) {
        const lonely = placed(await write(victim, `alone in ${victim}`, "x", 300));
        expect(lonely.confirmation).toMatchObject({ kind: "indeterminate", regions: [victim] });
      }
    }
    heal();
    await waitForConvergence(planet.regions, 20_000);
    // What was indeterminate is everywhere in the end.
    expect((await read(near, `alone in ${victim}`)).data?.values.title).toBe("x");
    const mark = (await read(victim, `alone in ${victim}`)).data;
    if (!mark) throw new Error("The row is gone");
    const event = { entityType: "Document", entityId: mark.id, ...mark } as const;
    expect(await confirmWrite(victim, event, { runtime: () => runtime(victim) })).toMatchObject({
      kind: "held",
    });
  });

  it("is taken by another region where the nearest is down", async () => {
    await untilWhole();
    const { postgres } = planet.link(US, US);
    postgres.refuse();
    onTestFinished(() => postgres.heal());
    const written = placed(await write(US, "elsewhere", "a"));
    expect(written).toMatchObject({ regionId: EU, reason: "redirected-down" });
    expect(written.confirmation).toMatchObject({ kind: "held", regions: [EU, AP] });
    expect((await read(US, "elsewhere")).data?.values.title).toBe("a");
  });

  it("heals a region that hears nothing of the writer, by way of a third", async () => {
    await untilWhole();
    const { postgres, redis } = planet.link(EU, US);
    postgres.cut();
    redis?.cut();
    onTestFinished(() => {
      postgres.heal();
      redis?.heal();
    });
    const { confirmation } = placed(await write(US, "by way", "a"));
    expect(confirmation).toMatchObject({ kind: "held", regions: [US, AP] });
    const { data, receipt } = await read(AP, "by way");
    expect(data?.values.title).toBe("a");
    expect(receipt).toMatchObject({ repaired: [EU] });
    await waitFor(async () => (await titleIn(EU, "by way")) === "a", {
      what: "the row in Dublin",
    });
  });

  it("sends a strong read of many rows where all that was acknowledged is", async () => {
    await untilWhole();
    const { postgres, redis } = planet.link(AP, US);
    postgres.cut();
    redis?.cut();
    onTestFinished(() => {
      postgres.heal();
      redis?.heal();
    });
    placed(await write(US, "listed", "a"));
    const { data, receipt } = await sessions(AP).ensureConsistency(
      "reader",
      AP,
      (db) => db.document.findMany({ where: { id: "listed" } }),
      { vantage: AP, level: "strong", of: "Document" },
    );
    expect(data.map(({ title }) => title)).toEqual(["a"]);
    expect(receipt).toMatchObject({
      level: "strong",
      regionId: EU,
      reason: "redirected-behind",
      stale: false,
      copies: { needed: 2, regions: [AP, EU] },
    });
  });
});

describe("what the application may ask of a region", () => {
  it("is to fetch a row from another one, and nothing else", async () => {
    const app = new pg.Client({ connectionString: planet.region(EU).appUrl });
    await app.connect();
    onTestFinished(() => app.end());
    const ask = async (entity: string, id: string, source: string, clock: unknown) =>
      (
        await app.query<{ outcome: string }>("SELECT mr.request_sync($1, $2, $3, $4) AS outcome", [
          entity,
          id,
          source,
          JSON.stringify(clock),
        ])
      ).rows[0]?.outcome;
    expect(await ask("Document", "x", US, { [US]: 1 })).toBe("noted");
    for (const [entity, id, source, clock] of [
      ["User", "x", US, {}],
      ["pg_class", "x", US, {}],
      ["Document", "x".repeat(501), US, {}],
      ["Document", "x", EU, {}],
      ["Document", "x", "moon-1", {}],
      ["Document", "x", US, []],
      ["Document", "x", US, null],
      ["Document", "x", US, { [US]: "many" }],
      ["Document", "x", US, { [US]: -1 }],
      ["Document", "x", US, { ["y".repeat(5_000)]: 1 }],
    ] as const) {
      expect(await ask(entity, id, source, clock), `${entity} ${source}`).toBe("refused");
    }
    for (const statement of [
      "INSERT INTO mr.sync_wish VALUES ('Document', 'x', 'us-east-1', '{}', 0, now())",
      "DELETE FROM mr.sync_wish",
      "SELECT mr.take_sync_wishes(1)",
      "SELECT mr.postpone_sync_wish('{}')",
    ]) {
      await expect(app.query(statement), statement).rejects.toMatchObject({ code: "42501" });
    }
    // A claim about a row that is not there, or not like that, fetches what is there.
    expect(await ask("Document", "listed", US, { [US]: 99 })).toBe("noted");
    await waitFor(async () => (await wishes(EU)).length === 0, { what: "no wish to be left" });
    expect(await titleIn(EU, "x")).toBeUndefined();
    expect(await titleIn(EU, "listed")).toBe("a");

    await planet.pauseWorkers();
    await app.query(
      `SELECT mr.request_sync('Document', n::text, 'us-east-1', '{"us-east-1": 1}')
       FROM generate_series(1, 1200) n`,
    );
    expect((await wishes(EU)).length).toBeLessThanOrEqual(1_000);
    expect(await ask("Document", "one more", US, {})).toBe("full");
  });
});

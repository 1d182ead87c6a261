import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { lead } from "@/__tests__/support/lead";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { awaitQuorum, type QuorumOptions } from "@/lib/db/failover/durability";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1";
const SINGAPORE = "ap-southeast-1";
const WRITE = { origin: VIRGINIA, position: 1_000n };

let planet: TestPlanet;
let runtime: Runtime;
let epoch = 1;

/** No worker runs: what a region has applied is what its cursor is set to. */
beforeAll(async () => {
  planet = await startTestPlanet();
  runtime = planet.runtime(VIRGINIA);
});
afterAll(() => planet.stop());
beforeEach(async () => {
  await lead(planet, VIRGINIA, (epoch += 1));
  await Promise.all([DUBLIN, SINGAPORE].map((id) => setCursor(id, 999n)));
});

async function setCursor(region: string, position: bigint): Promise<void> {
  await planet.region(region).pool.query(
    `INSERT INTO mr.cursor (actor, position) VALUES ($1, $2)
     ON CONFLICT (actor) DO UPDATE SET position = EXCLUDED.position`,
    [VIRGINIA, position.toString()],
  );
}

async function promiseElsewhere(region: string): Promise<void> {
  await planet
    .region(region)
    .pool.query("UPDATE mr.acceptor SET promised_epoch = promised_epoch + 1, promised_to = $1", [
      DUBLIN,
    ]);
}

const ask = (options: Partial<QuorumOptions> = {}) =>
  awaitQuorum(VIRGINIA, WRITE, { led: true, timeoutMs: 500, runtime: () => runtime, ...options });

describe("a quorum", () => {
  it("is not there while no other region has the write", async () => {
    const outcome = await ask();
    expect(outcome).toMatchObject({ kind: "indeterminate", by: [], needed: 1 });
    expect(outcome.waitedMs).toBeGreaterThanOrEqual(450);
    expect(outcome.waitedMs).toBeLessThan(1_500);
  });

  it("is there as soon as one of two others has it", async () => {
    const asked = ask({ timeoutMs: 3_000 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    await setCursor(SINGAPORE, 1_000n);
    const outcome = await asked;
    expect(outcome).toMatchObject({ kind: "held", by: [SINGAPORE] });
    expect(outcome.waitedMs).toBeLessThan(1_000);
  });

  it("needs no region that is gone", async () => {
    planet.link(VIRGINIA, DUBLIN).postgres.cut();
    await setCursor(SINGAPORE, 1_000n);
    const outcome = await ask();
    planet.link(VIRGINIA, DUBLIN).postgres.heal();
    expect(outcome).toMatchObject({ kind: "held", by: [SINGAPORE] });
    expect(outcome.waitedMs).toBeLessThan(500);
  });

  it("is not there, within the time, when all others are gone", async () => {
    for (const id of [DUBLIN, SINGAPORE]) planet.link(VIRGINIA, id).postgres.cut();
    const outcome = await ask();
    for (const id of [DUBLIN, SINGAPORE]) planet.link(VIRGINIA, id).postgres.heal();
    expect(outcome).toMatchObject({ kind: "indeterminate", by: [] });
    expect(outcome.waitedMs).toBeLessThan(1_500);
  });

  it("of a leader has no region that has promised to support another one", async () => {
    for (const id of [DUBLIN, SINGAPORE]) {
      await setCursor(id, 1_000n);
      await promiseElsewhere(id);
    }
    const outcome = await ask({ timeoutMs: 5_000 });
    expect(outcome).toMatchObject({ kind: "indeterminate", by: [] });
    expect(outcome.waitedMs).toBeLessThan(2_000);
    expect(await ask({ led: false })).toMatchObject({ kind: "held" });
  });

  it("is of the registered regions, not of those that this process knows", async () => {
    for (const { pool } of planet.regions) {
      await pool.query("INSERT INTO mr.region (id) VALUES ('moon-1'), ('mars-1')");
    }
    await Promise.all(planet.ids.map((id) => runtime.state.refresh(VIRGINIA, id)));
    await setCursor(DUBLIN, 1_000n);
    expect(await ask()).toMatchObject({ kind: "indeterminate", by: [DUBLIN], needed: 2 });
    await setCursor(SINGAPORE, 1_000n);
    expect(await ask()).toMatchObject({ kind: "held" });
    for (const { pool } of planet.regions) {
      await pool.query("DELETE FROM mr.region WHERE id IN ('moon-1', 'mars-1')");
    }
    await Promise.all(planet.ids.map((id) => runtime.state.refresh(VIRGINIA, id)));
  });

  it("leaves a region that is behind its connections once others have the write", async () => {
    await setCursor(SINGAPORE, 1_000n);
    const asked = await Promise.all(Array.from({ length: 30 }, () => ask({ timeoutMs: 6_000 })));
    expect(asked.every(({ kind }) => kind === "held")).toBe(true);
    const started = performance.now();
    await runtime.clients.write(VIRGINIA, DUBLIN as RegionId).$queryRaw`SELECT 1`;
    expect(performance.now() - started).toBeLessThan(1_500);
  });
});

describe("a strong read of what needs a quorum", () => {
  const id = "shown";
  const read = () =>
    new ReadYourWritesManager(() => runtime).ensureConsistency(
      "reader",
      VIRGINIA,
      (db) => db.user.findUnique({ where: { id } }),
      { vantage: VIRGINIA, level: "strong", of: "User" },
    );

  it("says whether others have what it shows: with the leader it would be lost", async () => {
    const { position } = await runtime.clients.write(VIRGINIA, VIRGINIA).user.create({
      data: { id, email: `${id}@example.com`, name: "Shown", passwordHash: "x" },
    });
    const early = await read();
    expect(early.data?.name).toBe("Shown");
    expect(early.receipt).toMatchObject({ stale: false, quorum: "unconfirmed" });
    const waiting = read();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await setCursor(SINGAPORE, position);
    expect((await waiting).receipt).toMatchObject({ stale: false, quorum: "held" });
  });

  it("waits for nothing where its entity's writes do not", async () => {
    const { data, receipt } = await new ReadYourWritesManager(() => runtime).ensureConsistency(
      "reader",
      VIRGINIA,
      (db) => db.user.findUnique({ where: { id } }),
      { vantage: VIRGINIA, level: "strong", of: "Document" },
    );
    expect(data?.id).toBe(id);
    expect(receipt.quorum).toBeUndefined();
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { untilSteady } from "@/__tests__/support/wait-for";
import { createAccount } from "@/lib/auth/accounts";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import { readDocument } from "@/lib/documents/read";
import type { Actor, WriteOutcome } from "@/lib/documents/types";
import { createDocument, updateDocument } from "@/lib/documents/write";

const DUBLIN = "eu-west-1" as RegionId;
const VIRGINIA = "us-east-1" as RegionId;
const OTHERS = [VIRGINIA, "ap-southeast-1" as RegionId];
const ADA: Actor = { userId: "ada", vantage: DUBLIN, token: { kind: "none" } };

/** What the application's own calls cost, counted at the links. No worker runs: nobody else uses them. */
describe("from Dublin, trips between regions", () => {
  let planet: TestPlanet;
  let runtime: Runtime;
  let made = 0;

  beforeAll(async () => {
    planet = await startTestPlanet({ defaults: MULTI_LEADER });
    runtime = planet.runtime(DUBLIN);
    (globalThis as { meridianRuntime?: Runtime }).meridianRuntime = runtime;
    // Opening a connection takes many trips, so each is open before anything is counted.
    await Promise.all(
      planet.ids.map((to) => runtime.clients.write(DUBLIN, to).$queryRaw`SELECT 1`),
    );
    await createdBy(ADA);
    await accountOf();
  });
  afterAll(async () => {
    delete (globalThis as { meridianRuntime?: Runtime }).meridianRuntime;
    await planet.stop();
  });

  /** All counted trips, and those of the databases among them, of one run; of the last, where runs are repeated. */
  async function cost<T>(
    run: () => Promise<T>,
  ): Promise<{ value: T; all: number; databases: number }> {
    const databases = () =>
      OTHERS.reduce((sum, to) => sum + planet.link(DUBLIN, to).postgres.counters.roundTrips, 0);
    for (;;) {
      // A wake of a publisher is not waited for, and a new connection rehearses a write once it is quiet.
      await untilSteady(() => planet.crossRegionRoundTrips());
      // Overviews are read again after a second, over the same links.
      await Promise.all(planet.ids.map((to) => runtime.state.refresh(DUBLIN, to)));
      const before = { all: planet.crossRegionRoundTrips(), databases: databases() };
      const startedMs = performance.now();
      const value = await run();
      const all = planet.crossRegionRoundTrips() - before.all;
      const made = { value, all, databases: databases() - before.databases };
      if (performance.now() - startedMs < 800) return made;
    }
  }
  function written<T>(outcome: WriteOutcome<T>): Extract<WriteOutcome<T>, { ok: true }> {
    if (!outcome.ok) throw new Error(outcome.message);
    expect(outcome.receipt).toMatchObject({ regionId: DUBLIN, redirected: false });
    return outcome;
  }
  const createdBy = async (actor: Actor) =>
    written(await createDocument(actor, { title: "Here", content: "First." }));
  const accountOf = () => {
    const email = `ada-${made++}@example.com`;
    const person = { name: "Ada", email, password: "correct horse battery" };
    return createAccount(person, DUBLIN, { durability: "region" });
  };

  it("are none for a document that is written, changed and read there", async () => {
    const created = await cost(() => createdBy(ADA));
    const { id } = created.value.value;
    const actor: Actor = { ...ADA, token: { kind: "valid", positions: created.value.open } };
    let clock = created.value.value.clock;
    const changed = await cost(async () => {
      const change = { documentId: id, content: `Change ${made++}.`, baseVersion: clock };
      const { value } = written(await updateDocument(actor, change));
      clock = value.clock;
    });
    const read = await cost(() => readDocument(actor, id));
    expect(read.value.receipt).toMatchObject({ regionId: DUBLIN, reason: "nearest" });
    expect([created.all, changed.all, read.all]).toEqual([0, 0, 0]);
  });

  it("are one for an account, which the leader writes", async () => {
    const { value, databases } = await cost(accountOf);
    expect(value).toMatchObject({ ok: true, write: { origin: VIRGINIA } });
    expect(databases).toBe(1);
  });
});

import { testStores } from "@/__tests__/support/stores";
import { afterEach, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startForgetfulProxy, type ForgetfulProxy } from "@/__tests__/support/forgetful-proxy";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";

const US = "us-east-1";
const EU = "eu-west-1";

let planet: TestPlanet;
let proxy: ForgetfulProxy | undefined;

afterEach(async () => {
  // First: what the proxy forgot is still open at the server.
  await planet.pauseWorkers();
  proxy?.stop();
  await planet.stop();
});

/** From commit in us-east-1 to eu-west-1, in ms. */
async function lag(id: string): Promise<number> {
  await planet
    .region(US)
    .pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 't', 'u')`, [id]);
  const started = performance.now();
  await waitFor(
    async () =>
      (await planet.region(EU).pool.query(`SELECT FROM "Document" WHERE id = $1`, [id])).rowCount,
    { intervalMs: 5, what: `${id} in ${EU}` },
  ).catch(async (cause: unknown) => {
    throw new Error(`Not even polled: ${await whatHoldsItBack()}`, { cause });
  });
  return performance.now() - started;
}

/** A poll takes a second at most, unless a transaction holds the horizon back or the stream stands still. */
async function whatHoldsItBack(): Promise<string> {
  const { rows: source } = await planet.region(US).pool.query<{ seen: unknown }>(
    `SELECT jsonb_build_object('horizon', mr.horizon(), 'last', mr.last_event(), 'open', (SELECT jsonb_agg(jsonb_build_array(
       datname, application_name, state, wait_event, backend_xid, clock_timestamp() - state_change, left(query, 200)))
     FROM pg_stat_activity WHERE backend_xid IS NOT NULL)) AS seen`,
  );
  const { rows: target } = await planet.region(EU).pool.query<{ seen: unknown }>(
    `SELECT jsonb_build_object('cursors', (SELECT jsonb_agg(c) FROM mr.cursor c), 'stalls', (SELECT jsonb_agg(s) FROM mr.stall s),
       'waiting', (SELECT jsonb_agg(jsonb_build_array(state, wait_event, left(query, 200)))
     FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')) AS seen`,
  );
  return JSON.stringify([source[0]?.seen, target[0]?.seen]);
}

/** The pushed way is back: three writes in a row that no poll (once a second) can explain. */
async function waitUntilPushed(timeoutMs: number): Promise<void> {
  let tries = 0;
  await waitFor(
    async () => {
      const lags = [];
      for (let n = 0; n < 3; n++) lags.push(await lag(`probe-${tries++}`));
      return Math.max(...lags) < 400;
    },
    { timeoutMs, what: "lags below a poll" },
  );
}

describe("a connection that is dead without being closed", () => {
  it("of a subscriber to Redis is replaced", async () => {
    planet = await startTestPlanet({ count: 2 });
    proxy = await startForgetfulProxy(Number(new URL(testStores().redisUrl).port));
    planet.link(EU, US).redis?.retarget("127.0.0.1", proxy.port);
    await planet.startWorkers();
    await waitUntilPushed(10_000);
    proxy.forget();
    await waitUntilPushed(15_000);
  });

  it("of a publisher to its database is replaced", async () => {
    planet = await startTestPlanet({ count: 2 });
    proxy = await startForgetfulProxy(Number(new URL(planet.region(US).directUrl).port));
    planet.link(US, US).postgres.retarget("127.0.0.1", proxy.port);
    await planet.startWorkers();
    await waitUntilPushed(10_000);
    proxy.forget();
    await waitUntilPushed(40_000);
  });

  it("breaks while a peer is asked, and the worker lives on", async () => {
    planet = await startTestPlanet({ count: 2 });
    await planet.startWorker(EU);
    await waitForConvergence(planet.regions);
    const link = planet.link(EU, US).postgres;
    const uncaught: unknown[] = [];
    const listeners = process.rawListeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => uncaught.push(error));
    try {
      for (let n = 0; n < 4; n++) {
        link.setDelay(0);
        await new Promise((resolve) => setTimeout(resolve, 1_700));
        // Connected by now; slow enough that the question is under way when the link breaks.
        link.setDelay(400);
        await new Promise((resolve) => setTimeout(resolve, 1_300 + n * 170));
        link.reset();
      }
    } finally {
      link.setDelay(0);
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener as () => void);
    }
    expect(uncaught).toEqual([]);
  });
});

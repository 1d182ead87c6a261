import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { healAll, serveFrom, signInAs } from "@/__tests__/support/route-planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { GET as getPrometheus } from "@/app/api/metrics/route";
import { GET as getAlarms } from "@/app/api/regions/alarms/route";
import { GET as getEvents } from "@/app/api/regions/events/route";
import { GET as getMetrics } from "@/app/api/regions/metrics/route";
import type { Alarm, AlarmAnswer, AlarmKind } from "@/lib/alarms/alarm";
import { gatherAlarms } from "@/lib/alarms/gather";
import type { Role } from "@/lib/auth/session-options";
import { takeSample } from "@/lib/db/metrics/sampler";
import type { MetricHistoryAnswer, RegionMetrics } from "@/lib/db/metrics/shape";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { EventAnswer } from "@/lib/events/event";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;
const SINGAPORE = "ap-southeast-1" as RegionId;
const SCRAPER = "a-token-of-a-scraper-of-32-characters";

/** The cookies of the request under test: the framework's edge, which no request reaches here. */
const jar = vi.hoisted(() => new Map<string, string>());
vi.mock("next/headers", () => ({
  cookies: async () => ({
    get: (name: string) => (jar.has(name) ? { name, value: jar.get(name) } : undefined),
    set: () => undefined,
  }),
  headers: async () => new Headers(),
}));

let planet: TestPlanet;
let stopServing: () => void;

beforeAll(async () => {
  planet = await startTestPlanet();
  await planet.startWorkers();
  vi.stubEnv("METRICS_TOKEN", SCRAPER);
  stopServing = serveFrom(planet, VIRGINIA);
});
afterEach(() => {
  jar.clear();
  healAll(planet);
});
afterAll(async () => {
  stopServing();
  await planet.stop();
});

const signIn = (role: Role) => signInAs(jar, role);

/** The body, of which nobody learns where a database is, and which no cache keeps. */
async function read<T>(response: Response, status = 200): Promise<T> {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, text]);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(text).not.toMatch(/postgres:|127\.0\.0\.1|localhost|password|ECONN/i);
  return JSON.parse(text) as T;
}

const request = (query: string) => new Request(`http://meridian.test/${query}`);
const metrics = async (query = "") => read<MetricHistoryAnswer>(await getMetrics(request(query)));
const alarms = async () => (await read<AlarmAnswer>(await getAlarms())).alarms;

async function untilAlarm(kind: AlarmKind): Promise<Alarm> {
  return waitFor(async () => (await alarms()).find((alarm) => alarm.kind === kind), {
    timeoutMs: 20_000,
    what: kind,
  });
}

async function untilCalm(): Promise<void> {
  await waitFor(async () => (await alarms()).length === 0, { timeoutMs: 20_000, what: "no alarm" });
}

describe("metrics, alarms and events", () => {
  it("are for administrators", async () => {
    for (const ask of [() => getMetrics(request("")), getAlarms, getEvents]) {
      jar.clear();
      expect(await read(await ask(), 401)).toMatchObject({ code: "unauthenticated" });
      await signIn("user");
      expect(await read(await ask(), 403)).toMatchObject({ code: "forbidden" });
    }
  });
});

describe("GET /api/regions/metrics", () => {
  it("refuses another window", async () => {
    await signIn("admin");
    for (const window of ["week", "", "hour2"]) {
      await read(await getMetrics(request(`?window=${window}`)), 400);
    }
  });

  it("has what the workers of all regions sampled, in at most 240 points", async () => {
    await signIn("admin");
    const { pool } = planet.region(DUBLIN);
    const sampledTwice = ({ series }: RegionMetrics) =>
      series?.appliedPerS.mean.some((perS) => perS !== null);
    // Rates are of the time between two samples.
    await waitFor(async () => (await metrics()).regions.every(sampledTwice), { timeoutMs: 25_000 });
    await pool.query(
      `INSERT INTO "Document" (id, title, "ownerId") SELECT 'm' || n, 'x', 'o' FROM generate_series(1, 100) n`,
    );
    const { regions, ...grid } = await waitFor(
      async () => {
        const answer = await metrics();
        const dublin = answer.regions.find(({ regionId }) => regionId === DUBLIN)?.series;
        const virginia = answer.regions.find(({ regionId }) => regionId === VIRGINIA)?.series;
        const lag = virginia?.streams.find(({ peer }) => peer === DUBLIN)?.lagMs.mean;
        const written = dublin?.writesPerS.max.some((perS) => (perS ?? 0) > 0);
        const applied = virginia?.appliedPerS.max.some((perS) => (perS ?? 0) > 0);
        return written && applied && lag?.some((ms) => ms !== null) && answer;
      },
      { timeoutMs: 25_000, what: "samples" },
    );
    expect(grid).toMatchObject({ window: "hour", stepMs: 15_000, points: 240 });
    expect(regions.map(({ regionId }) => regionId)).toEqual(planet.ids);
    for (const { regionId, series } of regions) {
      expect(series?.streams.map(({ peer }) => peer)).toEqual(
        planet.ids.filter((id) => id !== regionId).sort(),
      );
      for (const { lagMs, latencyMs, pending, stalled } of series?.streams ?? []) {
        for (const values of [lagMs.mean, lagMs.max, latencyMs.mean, pending, stalled]) {
          expect(values).toHaveLength(240);
          // Nobody sampled an hour ago.
          expect(values[0]).toBeNull();
        }
      }
    }
    const day = await metrics("?window=day");
    expect(day).toMatchObject({ window: "day", stepMs: 360_000, points: 240 });
    const last = day.regions[0]?.series?.streams[0]?.latencyMs.mean.at(-1);
    expect(last).toBeGreaterThan(0);
  });

  it("survives a restart of the workers, which sample on", async () => {
    await signIn("admin");
    const known = (answer: MetricHistoryAnswer) =>
      answer.regions[0]?.series?.streams[0]?.latencyMs.mean.filter((ms) => ms !== null).length ?? 0;
    const before = known(await metrics());
    await planet.pauseWorkers();
    expect(known(await metrics())).toBeGreaterThanOrEqual(Math.min(before, 1));
    await planet.resumeWorkers();
    await waitFor(async () => known(await metrics()) > before, { timeoutMs: 40_000 });
  });

  it("does not wait for a dead region, whose history is null", async () => {
    await signIn("admin");
    await metrics();
    planet.link(VIRGINIA, SINGAPORE).postgres.cut({ direction: "both" });
    const tookMs: number[] = [];
    const ask = async () => {
      const startedMs = performance.now();
      const { regions } = await metrics();
      tookMs.push(performance.now() - startedMs);
      return regions;
    };
    const find = (regions: MetricHistoryAnswer["regions"]) =>
      regions.find(({ regionId }) => regionId === SINGAPORE);
    expect(find(await ask())).toMatchObject({ series: null });
    // Believed to be up until now: it is waited for once, for so long.
    expect(tookMs[0]).toBeLessThan(3_000);
    await waitFor(async () => {
      const singapore = find((await metrics()).regions);
      return singapore?.series === null && singapore.reason === "unreachable";
    });
    tookMs.length = 0;
    for (let n = 0; n < 40; n++) {
      const regions = await ask();
      expect(find(regions)).toEqual({ regionId: SINGAPORE, series: null, reason: "unreachable" });
      expect(regions.filter(({ series }) => series !== null)).toHaveLength(2);
    }
    tookMs.sort((a, b) => a - b);
    process.stdout.write(
      `metrics with one region dead: p50 ${tookMs[20]!.toFixed(1)} ms, p95 ${tookMs[38]!.toFixed(1)} ms\n`,
    );
    expect(tookMs[38]).toBeLessThan(300);
    planet.link(VIRGINIA, SINGAPORE).postgres.heal();
    await waitFor(async () => find((await metrics()).regions)?.series != null, {
      timeoutMs: 15_000,
    });
  });
});

describe("GET /api/regions/alarms", () => {
  it("shows a transaction that holds the horizon, with its pid, age and query", async () => {
    await signIn("admin");
    await untilCalm();
    const client = new Client({
      connectionString: planet.region(DUBLIN).directUrl,
      application_name: "nightly-import",
    });
    await client.connect();
    try {
      const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      const pid = rows[0]!.pid;
      await client.query("BEGIN");
      // Without a write it holds nothing.
      await client.query("SELECT 1");
      const thresholds = { longTransactionMs: 300 };
      await new Promise((resolve) => setTimeout(resolve, 400));
      const reading = await gatherAlarms(VIRGINIA, thresholds);
      expect(reading.alarms.filter(({ kind }) => kind === "long-transaction")).toEqual([]);

      const { rows: own } = await client.query<{ xid: string }>(
        "SELECT txid_current()::text AS xid",
      );
      await client.query(`UPDATE "Document" SET title = 'a secret' WHERE id = 'm1'`);
      const { pool } = planet.region(DUBLIN);
      await pool.query(`UPDATE "Document" SET title = 'after it' WHERE id = 'm2'`);
      const { rows: now } = await pool.query<{ horizon: string }>(
        "SELECT mr.horizon()::text AS horizon",
      );
      expect(now[0]?.horizon).toBe(own[0]?.xid);
      // A young one is no alarm.
      expect(await alarms()).toEqual([]);
      const found = await waitFor(async () => {
        const { alarms: now } = await gatherAlarms(VIRGINIA, thresholds);
        return now.find(({ kind }) => kind === "long-transaction");
      });
      expect(found).toMatchObject({
        regionId: DUBLIN,
        whatToDo: expect.stringContaining(`pg_terminate_backend(${pid})`),
        details: expect.arrayContaining([
          { label: "Process", value: `${pid}` },
          { label: "Application", value: "nightly-import" },
          { label: "State", value: "idle in transaction" },
          { label: "Query", value: `UPDATE "Document" SET title = '…' WHERE id = '…'` },
        ]),
      });
      await client.query("ROLLBACK");
      const after = await gatherAlarms(VIRGINIA, thresholds);
      expect(after.alarms.filter(({ kind }) => kind === "long-transaction")).toEqual([]);
    } finally {
      await client.end();
    }
  });

  it("shows a stalled stream, and that it goes on", async () => {
    await signIn("admin");
    await untilCalm();
    const { pool } = planet.region(DUBLIN);
    // Of an actor whose stream nobody follows: no worker takes the stall away.
    await pool.query(
      "INSERT INTO mr.stall (actor, reason, detail) VALUES ('mars-1', 'schema', 'It has another schema.')",
    );
    expect(await untilAlarm("stream-stalled")).toMatchObject({
      regionId: DUBLIN,
      cause: "It has another schema.",
    });
    await pool.query("DELETE FROM mr.stall WHERE actor = 'mars-1'");
    await untilCalm();
  });

  it("shows a database that takes no writes", async () => {
    await signIn("admin");
    await untilCalm();
    const { pool } = planet.region(SINGAPORE);
    const { rows } = await pool.query<{ name: string }>("SELECT current_database() AS name");
    await pool.query(
      `ALTER ROLE meridian_app IN DATABASE "${rows[0]!.name}" SET default_transaction_read_only = on`,
    );
    await pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'meridian_app' AND datname = current_database()",
    );
    expect((await untilAlarm("read-only")).regionId).toBe(SINGAPORE);
    await pool.query(`ALTER ROLE meridian_app IN DATABASE "${rows[0]!.name}" RESET ALL`);
    await pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'meridian_app' AND datname = current_database()",
    );
    await untilCalm();
  });

  it("shows a region that is gone, and then no leader and no majority, without a wait", async () => {
    await signIn("admin");
    await untilCalm();
    planet.link(VIRGINIA, SINGAPORE).postgres.cut({ direction: "both" });
    expect(await untilAlarm("region-unreachable")).toMatchObject({ regionId: SINGAPORE });
    await waitFor(async () => {
      const found = await untilAlarm("region-unreachable");
      return found.severity === "critical";
    });
    const startedMs = performance.now();
    await alarms();
    expect(performance.now() - startedMs).toBeLessThan(500);
    await planet.region(VIRGINIA).pool.query("UPDATE mr.lease SET valid_until = '-infinity'");
    await untilAlarm("no-leader");
    planet.link(VIRGINIA, DUBLIN).postgres.cut({ direction: "both" });
    await untilAlarm("no-majority");
    await planet.region(VIRGINIA).pool.query("UPDATE mr.lease SET valid_until = 'infinity'");
    for (const to of [DUBLIN, SINGAPORE]) planet.link(VIRGINIA, to).postgres.heal();
    await untilCalm();
  });

  it("shows workers that are silent", { timeout: 90_000 }, async () => {
    await signIn("admin");
    await untilCalm();
    await planet.pauseWorkers();
    const silent = await waitFor(
      async () => {
        const found = (await alarms()).filter(({ kind }) => kind === "worker-silent");
        return found.length === 3 && found;
      },
      { timeoutMs: 20_000 },
    );
    expect(Date.parse(silent[0]!.since!)).toBeLessThan(Date.now() - 9_000);
    await planet.resumeWorkers();
    await untilCalm();
  });
});

describe("GET /api/regions/events", () => {
  it("tells who saw that something began and ended", async () => {
    await signIn("admin");
    const { pool } = planet.region(DUBLIN);
    await pool.query("TRUNCATE mr.event");
    planet.link(DUBLIN, SINGAPORE).postgres.cut({ direction: "both" });
    const events = async () => read<EventAnswer>(await getEvents());
    const find = async (kind: string) =>
      (await events()).events.find(
        (event) =>
          event.kind === kind && event.subject === SINGAPORE && event.seenBy.includes(DUBLIN),
      );
    const began = await waitFor(() => find("unreachable"), { timeoutMs: 25_000 });
    expect(Math.abs(Date.parse(began.at) - Date.now())).toBeLessThan(30_000);
    planet.link(DUBLIN, SINGAPORE).postgres.heal();
    await waitFor(() => find("reachable"), { timeoutMs: 25_000 });
    expect((await events()).missing).toEqual([]);

    planet.link(VIRGINIA, DUBLIN).postgres.cut({ direction: "both" });
    expect(await waitFor(async () => (await events()).missing.length > 0)).toBe(true);
    expect((await events()).missing).toEqual([DUBLIN]);
  });
});

describe("the application's role", () => {
  it("reads what was sampled and writes none of it", async () => {
    const client = new Client({ connectionString: planet.region(VIRGINIA).appUrl });
    await client.connect();
    try {
      await client.query("SELECT FROM mr.metric_stream, mr.metric_region, mr.event LIMIT 1");
      for (const sql of [
        "SELECT mr.sample_metrics(5000)",
        "SELECT mr.roll_up(1)",
        "SELECT mr.note_event(now(), 'leader', 'x', '')",
        "UPDATE mr.metric_state SET at = NULL",
        "DELETE FROM mr.event",
        "UPDATE mr.metric_region SET conflicts = 0",
      ]) {
        await expect(client.query(sql)).rejects.toMatchObject({ code: "42501" });
      }
    } finally {
      await client.end();
    }
    const { pool } = planet.region(VIRGINIA);
    expect((await takeSample(pool)).nextInMs).toBeGreaterThan(2_000);
  });
});

describe("metrics for Prometheus", () => {
  const scrape = (token?: string) =>
    getPrometheus(
      new Request("http://meridian.test/api/metrics", {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      }),
    );

  it("are for administrators and for who shows the token", async () => {
    expect((await scrape()).status).toBe(401);
    expect((await scrape(`${SCRAPER}x`)).status).toBe(401);
    await signIn("user");
    expect((await scrape()).status).toBe(403);
    await signIn("admin");
    expect((await scrape()).status).toBe(200);
    jar.clear();
    expect((await scrape(SCRAPER)).status).toBe(200);
  });

  it("say how each region and each stream is, and nothing of what is not known", async () => {
    const lines = await waitFor(async () => {
      const response = await scrape(SCRAPER);
      expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
      const text = await response.text();
      expect(text).not.toMatch(/postgres:|127\.0\.0\.1|password/);
      expect(text).toContain(`meridian_region_leading{region="${VIRGINIA}"} 1`);
      return text.split("\n");
    });
    for (const region of [VIRGINIA, DUBLIN, SINGAPORE]) {
      expect(lines).toContain(`meridian_region_up{region="${region}"} 1`);
    }
    expect(lines).toContainEqual(expect.stringMatching(/^process_resident_memory_bytes \d+$/));

    planet.link(VIRGINIA, DUBLIN).postgres.cut();
    await waitFor(async () => {
      const text = await (await scrape(SCRAPER)).text();
      expect(text).toContain(`meridian_region_up{region="${DUBLIN}"} 0`);
      expect(text).toContain(
        `meridian_replication_lag_known{region="${DUBLIN}",source="${VIRGINIA}"} 0`,
      );
      expect(text).not.toContain(`meridian_replication_lag_seconds{region="${DUBLIN}"`);
      expect(text).not.toContain(`meridian_region_latency_seconds{region="${DUBLIN}"}`);
      return true;
    });
  });
});

import { readFileSync } from "node:fs";
import pg from "pg";
import { systemSleep } from "@/lib/clock";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { writeRow } from "@/lib/db/writes/write-row";
import { openPlanet } from "@/scripts/drill/planet-runtime";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { onClients } from "./setup";
import { compareRounds, median, type BenchResult, type BenchRow } from "./statistics";

const HERE = "us-east-1" as RegionId;

/** Of all documents together; each owner has a thousandth of them. */
const SIZES = [1_000, 10_000, 100_000, 1_000_000];
const OWNERS = 1_000;
const OPERATIONS = 300;

const BACKLOG_AT_LEAST = 20_000;
const BACKLOG_MIB_AT_MOST = 300;

const WRITERS = [1, 4, 16, 64];
const WRITERS_MS = 6_000;

const REGION_COUNTS = [1, 2, 3, 5, 7];
const PACED = 100;
const PACED_EVERY_MS = 50;

/** What grows with documents, writers, regions and backlog, each against the least of it. */
export async function benchScale(): Promise<BenchResult> {
  const { rows, writers } = await withPlanet(3, async (planet, pools) => ({
    rows: await measureSizes(planet, pools),
    writers: await measureWriters(pools[0]!),
  }));
  return { name: "scale", rows: [...rows, ...writers, ...(await measureRegions())] };
}

/** The places of further regions do not matter: links have no delay here. */
function regionsOf(count: number): string {
  const ids = [
    HERE,
    "eu-west-1",
    "ap-southeast-1",
    "sa-east-1",
    "eu-north-1",
    "ap-south-1",
    "us-west-2",
  ];
  return JSON.stringify(
    ids.slice(0, count).map((id, n) => ({
      ...{ id, name: id, city: id, latitude: 5 * n, longitude: 10 * n, isPrimary: n === 0 },
    })),
  );
}

async function withPlanet<T>(
  regions: number,
  run: (planet: ChildPlanet, pools: readonly pg.Pool[]) => Promise<T>,
): Promise<T> {
  const planet = new ChildPlanet(
    ["--headless", "--no-latency"],
    regions === 3 ? {} : { MERIDIAN_REGIONS: regionsOf(regions) },
  );
  const pools: pg.Pool[] = [];
  try {
    await planet.start();
    for (const { directUrl } of planet.cluster().regions) {
      pools.push(new pg.Pool({ connectionString: directUrl, max: 70 }));
    }
    return await run(planet, pools);
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
    await planet.stop();
  }
}

// ---------------------------------------------------------------------------------------------
// Documents, and the backlog that writing the last 900,000 of them makes
// ---------------------------------------------------------------------------------------------

interface Cost {
  readMs: number;
  listMs: number;
  writeMs: number;
}

async function measureSizes(planet: ChildPlanet, pools: readonly pg.Pool[]): Promise<BenchRow[]> {
  const { regions, topology } = openPlanet(planet);
  await Promise.all(regions.map(({ pool }) => pool.end()));
  const runtime = new Runtime(() => ({ ...topology, currentRegion: HERE }));
  const costs: Cost[] = [];
  let backlog: Drained | null = null;
  let small: Drained | null = null;
  try {
    let held = 0;
    for (const size of SIZES) {
      const drained = await fill(planet, pools, held, size);
      if (size === SIZES.at(-2)) small = drained;
      if (size === SIZES.at(-1)) backlog = drained;
      held = size;
      for (const pool of pools) await pool.query("VACUUM ANALYZE");
      costs.push(await costOf(runtime, size));
    }
  } finally {
    await runtime.close();
  }
  const first = costs[0]!;
  const rows = SIZES.slice(1).flatMap((size, n) => {
    const cost = costs[n + 1]!;
    const against = (what: string, of: keyof Cost) =>
      compareRounds(`${what}, ${size} documents`, "ms", "with 1000", [[cost[of], first[of]]]);
    return [
      against("session read of one: p50", "readMs"),
      against("the newest 20 of an owner: p50", "listMs"),
      against("write of one: p50", "writeMs"),
    ];
  });
  if (!backlog || !small) throw new Error("No backlog was drained");
  return [
    ...rows,
    compareRounds(
      `backlog of ${backlog.events} to two targets`,
      "events/s",
      `of ${small.events}`,
      [[backlog.perSecond, small.perSecond]],
      { valueAtLeast: BACKLOG_AT_LEAST },
    ),
    compareRounds(
      "most memory of a worker meanwhile",
      "MiB",
      `of ${small.events}`,
      [[backlog.mib, small.mib]],
      { valueAtMost: BACKLOG_MIB_AT_MOST },
    ),
  ];
}

interface Drained {
  events: number;
  perSecond: number;
  mib: number;
}

/** Writes documents while no worker runs, and then lets the others have them. */
async function fill(
  planet: ChildPlanet,
  pools: readonly pg.Pool[],
  from: number,
  to: number,
): Promise<Drained> {
  const [source, ...targets] = pools;
  if (!source) throw new Error("The planet has no region");
  const workers = (await planet.processes()).filter(({ name }) => name.startsWith("worker"));
  const act = (action: "stop" | "continue") =>
    Promise.all(
      workers.map(({ name }) => planet.control("POST", `/processes/${name}`, { action })),
    );
  await act("stop");
  for (let at = from; at < to; at += 1_000) {
    await source.query(
      `INSERT INTO "Document" (id, title, content, "ownerId")
       SELECT 'scale-' || n, 'title ' || n, repeat('x', 200), 'owner-' || n % $3
       FROM generate_series($1::int, $2::int - 1) n`,
      [at, Math.min(to, at + 1_000), OWNERS],
    );
  }
  await systemSleep(500);
  const over = new AbortController();
  const memory = mostMemory(
    workers.map(({ pid }) => pid),
    over.signal,
  );
  const startedMs = performance.now();
  await act("continue");
  for (const pool of targets) {
    for (;;) {
      const { rows } = await pool.query<{ there: boolean }>(
        `SELECT EXISTS (SELECT FROM "Document" WHERE id = $1) AS there`,
        [`scale-${to - 1}`],
      );
      if (rows[0]?.there) break;
      if (performance.now() - startedMs > 300_000) throw new Error("Not all arrived");
      await systemSleep(20);
    }
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  over.abort();
  for (const pool of targets) {
    const { rows } = await pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM "Document" WHERE id LIKE 'scale-%'`,
    );
    if (rows[0]?.n !== to) throw new Error(`Of ${to} documents ${rows[0]?.n} arrived`);
  }
  return { events: to - from, perSecond: (to - from) / seconds, mib: await memory };
}

async function mostMemory(pids: readonly number[], signal: AbortSignal): Promise<number> {
  let most = 0;
  while (!signal.aborted) {
    for (const pid of pids) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      most = Math.max(most, Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0));
    }
    await systemSleep(100, signal);
  }
  return most / 1_024;
}

async function costOf(runtime: Runtime, size: number): Promise<Cost> {
  const sessions = new ReadYourWritesManager(() => runtime);
  const anyOf = (n: number) => `scale-${(n * 7_919) % size}`;
  const read = (n: number) =>
    sessions.ensureConsistency("reader", HERE, (db) =>
      db.document.findUniqueOrThrow({ where: { id: anyOf(n) } }),
    );
  const list = (n: number) =>
    sessions.ensureConsistency("reader", HERE, (db) =>
      db.document.findMany({
        where: { ownerId: `owner-${n % OWNERS}`, deletedAt: null },
        orderBy: [{ updatedAt: "desc" }, { id: "desc" }],
        take: 20,
      }),
    );
  const write = (n: number) =>
    writeRow(
      "Document",
      HERE,
      (db) => db.document.update({ where: { id: anyOf(n) }, data: { title: `again ${n}` } }),
      { runtime: () => runtime },
    );
  const p50 = async (run: (n: number) => Promise<unknown>) => {
    const times: number[] = [];
    for (let n = -50; n < OPERATIONS; n++) {
      const startedMs = performance.now();
      await run(n + 50);
      if (n >= 0) times.push(performance.now() - startedMs);
    }
    return median(times);
  };
  return { readMs: await p50(read), listMs: await p50(list), writeMs: await p50(write) };
}

// ---------------------------------------------------------------------------------------------
// Writers and regions
// ---------------------------------------------------------------------------------------------

async function commitsPerSecond(pool: pg.Pool, clients: number, prefix: string): Promise<number> {
  let commits = 0;
  const startedMs = performance.now();
  await onClients(pool, clients, async (client, index) => {
    for (let n = 0; performance.now() - startedMs < WRITERS_MS; n++) {
      await client.query({
        name: "scale_insert",
        text: `INSERT INTO "Document" (id, title, content, "ownerId") VALUES ($1, 'title', $2, 'bench')`,
        values: [`${prefix}-${index}-${n}`, "x".repeat(200)],
      });
      commits++;
    }
  });
  return (commits * 1_000) / (performance.now() - startedMs);
}

async function measureWriters(source: pg.Pool): Promise<BenchRow[]> {
  await commitsPerSecond(source, 8, "warm");
  const rates = new Map<number, number>();
  for (const writers of WRITERS) {
    rates.set(writers, await commitsPerSecond(source, writers, `w${writers}`));
  }
  const alone = rates.get(1)!;
  return WRITERS.slice(1).map((writers) =>
    compareRounds(`${writers} writers of one region`, "commits/s", "1 writer", [
      [rates.get(writers)!, alone],
    ]),
  );
}

interface OfRegions {
  commits: number;
  lagMs: number;
}

async function measureRegions(): Promise<BenchRow[]> {
  const found: (OfRegions & { count: number })[] = [];
  for (const count of REGION_COUNTS) {
    const measured = await withPlanet(count, async (_, pools) => ({
      lagMs: await lagOf(pools),
      commits: await commitsPerSecond(pools[0]!, 8, "regions"),
    }));
    found.push({ count, ...measured });
  }
  const one = found[0]!;
  const two = found[1]!;
  return [
    ...found
      .slice(1)
      .map(({ count, commits }) =>
        compareRounds(`8 writers, ${count} regions`, "commits/s", "1 region", [
          [commits, one.commits],
        ]),
      ),
    ...found
      .slice(2)
      .map(({ count, lagMs }) =>
        compareRounds(`a write in all ${count} regions: p50`, "ms", "both of 2", [
          [lagMs, two.lagMs],
        ]),
      ),
  ];
}

/** From the start of a write to the moment in which every other region shows it, 20 writes a second. */
async function lagOf([source, ...targets]: readonly pg.Pool[]): Promise<number> {
  const lags: number[] = [];
  for (let n = 0; targets.length > 0 && n < PACED; n++) {
    const id = `paced-${n}`;
    const startedMs = performance.now();
    await source!.query(
      `INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 'title', 'bench')`,
      [id],
    );
    await Promise.all(
      targets.map(async (pool) => {
        for (;;) {
          const { rowCount } = await pool.query(`SELECT FROM "Document" WHERE id = $1`, [id]);
          if (rowCount === 1) return;
          if (performance.now() - startedMs > 30_000) throw new Error(`${id} did not arrive`);
          await systemSleep(2);
        }
      }),
    );
    lags.push(performance.now() - startedMs);
    await systemSleep(Math.max(0, PACED_EVERY_MS - (performance.now() - startedMs)));
  }
  return targets.length === 0 ? 0 : median(lags);
}

import { Redis } from "ioredis";
import type { RegionId } from "@/lib/db/regions/region-id";
import { wakeChannel } from "@/lib/db/replication/bus";
import { systemSleep } from "@/lib/clock";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { oneWayDelayMs } from "@/scripts/local/planet-links";
import { withBenchPlanet, withoutNative, type BenchPlanet, type BenchStore } from "./setup";
import { compareRounds, quantile, type BenchResult, type BenchRow } from "./statistics";

const WRITES = 150;
const EVERY_MS = 20;
const ROUNDS = 3;
const NATIVE = "native logical replication";

/**
 * From the start of a write to its visibility in another region, at 50 writes/s: without link delay, and over the links
 * of the real distances, beside what the link alone takes.
 */
export async function benchLag(): Promise<BenchResult> {
  const near = await withBenchPlanet(async (bench) => {
    const pairs = await measure(bench, bench.targets[0]!, 0);
    return [
      compareRounds("lag p50", "ms", NATIVE, at(pairs, 0.5), { atMost: 1.6 }),
      compareRounds("lag p99", "ms", NATIVE, at(pairs, 0.99)),
    ];
  });
  const far = await withBenchPlanet(overLinks, { latency: true });
  return { name: "lag", rows: [...near, ...far] };
}

async function overLinks(bench: BenchPlanet): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const target of bench.targets) {
    const delayMs = oneWayDelayMs(placeOf(bench.source), placeOf(target));
    const pairs = await measure(bench, target, delayMs);
    const what = `lag p50, ${bench.source.id} to ${target.id}, ${delayMs} ms one way`;
    const besideLink = at(pairs, 0.5).map(([own]) => [own, delayMs] as const);
    rows.push(compareRounds(what, "ms", "the link's delay", besideLink, { atMost: 1.1 }));
    rows.push(compareRounds(what, "ms", NATIVE, at(pairs, 0.5)));
  }
  return rows;
}

function placeOf({ id }: BenchStore) {
  const place = DEFAULT_REGIONS.find((region) => region.id === id);
  if (!place) throw new RangeError(`No region ${id}`);
  return place;
}

type Lags = [own: number[], native: number[]];

const at = (rounds: readonly Lags[], q: number) =>
  rounds.map(([own, native]) => [quantile(own, q), quantile(native, q)] as const);

/** Rounds of ours and of PostgreSQL's own, one after the other. */
async function measure(bench: BenchPlanet, target: BenchStore, delayMs: number): Promise<Lags[]> {
  const redis = new Redis(bench.planet.cluster().redis ?? "");
  const wake = () => redis.publish(wakeChannel(bench.source.id as RegionId), "");
  const way = { source: bench.source, target, delayMs };
  const ours = (name: string) =>
    withoutNative(bench, () => round({ ...way, table: `"Document"`, name, wake }));
  const native = (name: string) => round({ ...way, table: "native_document", name });
  try {
    await ours(`warm-${target.id}`);
    await native(`warm-${target.id}`);
    const rounds: Lags[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      const name = `${target.id}-${n}`;
      rounds.push([await ours(name), await native(name)]);
    }
    return rounds;
  } finally {
    redis.disconnect();
  }
}

interface RoundOptions {
  source: BenchStore;
  target: BenchStore;
  /** Before that nothing can be there, so nobody asks. */
  delayMs: number;
  table: string;
  name: string;
  wake?: () => Promise<unknown>;
}

/** Lags of writes that are begun each 20 ms, whether those before are visible yet or not. */
async function round(options: RoundOptions): Promise<number[]> {
  const beginMs = performance.now();
  return Promise.all(
    Array.from({ length: WRITES }, async (_, n) => {
      await systemSleep(beginMs + n * EVERY_MS - performance.now());
      return lagOf(options, `lag-${options.name}-${n}`);
    }),
  );
}

async function lagOf(options: RoundOptions, id: string): Promise<number> {
  const { source, target, delayMs, table, wake } = options;
  const startedMs = performance.now();
  await source.pool.query({
    name: `lag_insert_${table}`,
    text: `INSERT INTO ${table} (id, title, "ownerId") VALUES ($1, 'title', 'bench')`,
    values: [id],
  });
  void wake?.();
  await systemSleep(startedMs + delayMs - performance.now());
  for (;;) {
    const { rowCount } = await target.pool.query({
      name: `lag_select_${table}`,
      text: `SELECT FROM ${table} WHERE id = $1`,
      values: [id],
    });
    if (rowCount === 1) return performance.now() - startedMs;
  }
}

import { Redis } from "ioredis";
import type { RegionId } from "@/lib/db/regions/region-id";
import { wakeChannel } from "@/lib/db/replication/bus";
import { systemSleep } from "@/lib/clock";
import { withBenchPlanet, withoutNative, type BenchPlanet } from "./setup";
import { compareRounds, quantile, type BenchResult } from "./statistics";

const WRITES = 150;
const EVERY_MS = 20;
const ROUNDS = 3;

/** From the start of a write to its visibility in another region at 50 writes/s, without link delay. */
export function benchLag(): Promise<BenchResult> {
  return withBenchPlanet(async (bench) => {
    const redis = new Redis(bench.planet.cluster().redis ?? "");
    const wake = () => redis.publish(wakeChannel(bench.source.id as RegionId), "");
    try {
      const pairs: [number[], number[]][] = [];
      const ours = (prefix: string) =>
        withoutNative(bench, () => round(bench, `"Document"`, prefix, wake));
      await ours("warm");
      await round(bench, "native_document", "warm");
      for (let n = 0; n < ROUNDS; n++) {
        pairs.push([await ours(`lag-${n}`), await round(bench, "native_document", `lag-${n}`)]);
      }
      const at = (q: number) =>
        pairs.map(([own, native]) => [quantile(own, q), quantile(native, q)] as const);
      const peer = "native logical replication";
      return {
        name: "lag",
        rows: [
          compareRounds("lag p50", "ms", peer, at(0.5), { atMost: 1.6 }),
          compareRounds("lag p99", "ms", peer, at(0.99)),
        ],
      };
    } finally {
      redis.disconnect();
    }
  });
}

async function round(
  { source, targets }: BenchPlanet,
  table: string,
  prefix: string,
  afterCommit?: () => Promise<unknown>,
): Promise<number[]> {
  const target = targets[0];
  if (!target) throw new Error("There is no target");
  const lags: number[] = [];
  for (let n = 0; n < WRITES; n++) {
    const id = `${prefix}-${n}`;
    const startedMs = performance.now();
    await source.pool.query({
      name: `lag_insert_${table}`,
      text: `INSERT INTO ${table} (id, title, "ownerId") VALUES ($1, 'title', 'bench')`,
      values: [id],
    });
    void afterCommit?.();
    for (;;) {
      const { rowCount } = await target.pool.query({
        name: `lag_select_${table}`,
        text: `SELECT FROM ${table} WHERE id = $1`,
        values: [id],
      });
      if (rowCount === 1) break;
    }
    const tookMs = performance.now() - startedMs;
    lags.push(tookMs);
    await systemSleep(Math.max(0, EVERY_MS - tookMs));
  }
  return lags;
}

import { readFile } from "node:fs/promises";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRegions, type TestRegion, type TestRegions } from "@/__tests__/support/stores";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { takeSample } from "@/lib/db/metrics/sampler";

const STEP_MS = 5_000;
const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 26, 12);
const TABLES = "'mr.metric_stream', 'mr.metric_region', 'mr.metric_state', 'mr.event'";

/** Writes in a step: 10 a second in the first region, fewer in the others. */
const BUSY = 50;
const QUIET = 5;

const BUDGET_BYTES = 5 * 1024 * 1024;
const BUDGET_OF_A_CORE = 0.01;

let regions: TestRegions;

beforeAll(async () => {
  regions = await createRegions({ count: 3, defaults: MULTI_LEADER });
  for (const { pool } of regions.regions) {
    // What the layout does by itself has to be enough.
    await pool.query(`ALTER TABLE mr.metric_stream SET (autovacuum_enabled = false);
      ALTER TABLE mr.metric_region SET (autovacuum_enabled = false);
      ALTER TABLE mr.metric_state SET (autovacuum_enabled = false)`);
  }
});
afterAll(() => regions.drop());

/** CPU time of a server process so far; null where the system does not say. */
async function cpuMs(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime and stime, in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** An hour of a region that takes so many writes between samples, its peers seen anew before each. */
async function sampleAnHour(
  region: TestRegion,
  sampler: Pool,
  from: number,
  writes: number,
): Promise<number[]> {
  const tookMs: number[] = [];
  for (let at = from; at < from + HOUR_MS; at += STEP_MS) {
    await region.pool.query(
      `WITH seen AS (
         INSERT INTO mr.peer AS p (region, actor, head, last_event, schema_version, pending, latency_ms, clock_offset_ms, observed_at)
         SELECT id, id, 1, 1, 1, (random() * 50)::integer, 80 + random() * 20, random(), $1::timestamptz FROM mr.region
         ON CONFLICT (region) DO UPDATE SET (pending, latency_ms, clock_offset_ms, observed_at)
           = (EXCLUDED.pending, EXCLUDED.latency_ms, EXCLUDED.clock_offset_ms, EXCLUDED.observed_at)
       ), applied AS (
         INSERT INTO mr.cursor AS c (actor, transit_ms, complete_at, events)
         SELECT id, 40 + random() * 20, $1::timestamptz, 50 FROM mr.region WHERE id <> mr.local_region()
         ON CONFLICT (actor) DO UPDATE SET transit_ms = EXCLUDED.transit_ms, complete_at = EXCLUDED.complete_at,
           events = c.events + 50
       )
       INSERT INTO "Document" (id, title, "ownerId") SELECT $2 || n, 'x', 'o' FROM generate_series(1, $3::integer) n`,
      [new Date(at), `${at}-`, writes],
    );
    const startedMs = performance.now();
    const { taken } = await takeSample(sampler, new Date(at));
    tookMs.push(performance.now() - startedMs);
    expect(taken).toBe(true);
  }
  return tookMs;
}

async function bytes(region: TestRegion): Promise<number> {
  const { rows } = await region.pool.query<{ bytes: string }>(
    `SELECT sum(pg_total_relation_size(t::regclass)) AS bytes FROM unnest(ARRAY[${TABLES}]) t`,
  );
  return Number(rows[0]!.bytes);
}

describe("an hour of history with three regions", () => {
  it(
    "costs under 5 MB and under 1 % of a core, and the next hour no byte more",
    { timeout: 300_000 },
    async () => {
      let firstHour = 0;
      let secondHour = 0;
      const shares: number[] = [];
      for (const region of regions.regions) {
        const sampler = new Pool({ connectionString: region.directUrl, max: 1 });
        const { rows } = await sampler.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
        const before = await cpuMs(rows[0]!.pid);
        const writes = region === regions.regions[0] ? BUSY : QUIET;
        const sampled = await sampleAnHour(region, sampler, START, writes);
        const tookMs = sampled.sort((a, b) => a - b);
        const after = await cpuMs(rows[0]!.pid);
        const sum = tookMs.reduce((total, ms) => total + ms, 0);
        const usedMs = before === null || after === null ? sum : after - before;
        shares.push(usedMs / HOUR_MS);
        firstHour += await bytes(region);
        if (region === regions.regions[0]) {
          const first = await bytes(region);
          await sampleAnHour(region, sampler, START + HOUR_MS, QUIET);
          secondHour = (await bytes(region)) / first;
        }
        await sampler.end();
        process.stdout.write(
          `${region.id}: ${Math.round((await bytes(region)) / 1024)} kB, a sample took ${tookMs[360]!.toFixed(1)} ms ` +
            `(p99 ${tookMs[712]!.toFixed(1)}), ${(usedMs / 720).toFixed(2)} ms of it CPU of the server: ` +
            `${((usedMs / HOUR_MS) * 100).toFixed(3)} % of a core\n`,
        );
      }
      expect(firstHour).toBeLessThan(BUDGET_BYTES);
      for (const share of shares) expect(share).toBeLessThan(BUDGET_OF_A_CORE);
      // The rings have gone round: rows take the places of those that they overwrite.
      expect(secondHour).toBeLessThan(1.1);
    },
  );
});

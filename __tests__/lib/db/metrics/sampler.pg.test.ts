import { PrismaPg } from "@prisma/adapter-pg";
import type { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRegions, type TestRegions } from "@/__tests__/support/stores";
import { takeSample } from "@/lib/db/metrics/sampler";
import type { RawHistory } from "@/lib/db/metrics/series";
import { readOverview } from "@/lib/db/regions/overview";
import type { RegionId } from "@/lib/db/regions/region-id";
import { OBSERVATION_VALID_MS } from "@/lib/db/regions/region-state";
import { lagOf } from "@/lib/db/replication/lags";
import { PrismaClient } from "@/lib/generated/prisma/client";

const STEP_MS = 5_000;
/** The start of a 360 s bucket. */
const NOON = Date.UTC(2026, 10, 26, 12);

let regions: TestRegions;
let pool: Pool;

beforeAll(async () => {
  regions = await createRegions();
  pool = regions.regions[0]!.pool;
});
afterAll(() => regions.drop());

/** As if the worker had just seen its peers, at a time of the test. */
async function observe(at: number, lagMs: number, offsetMs = 0): Promise<void> {
  const time = new Date(at);
  await pool.query(
    `INSERT INTO mr.peer AS p (region, actor, head, last_event, schema_version, pending, latency_ms, clock_offset_ms, observed_at)
     SELECT id, id, 1, 1, 1, 0, 80 + random(), $2, $1::timestamptz FROM mr.region
     ON CONFLICT (region) DO UPDATE SET observed_at = EXCLUDED.observed_at, latency_ms = EXCLUDED.latency_ms,
       clock_offset_ms = EXCLUDED.clock_offset_ms, failed_since = NULL, pending = 0`,
    [time, offsetMs],
  );
  await pool.query(
    `INSERT INTO mr.cursor AS c (actor, transit_ms, complete_at, events)
     SELECT id, $2::real, $1::timestamptz, 10 FROM mr.region WHERE id <> mr.local_region()
     ON CONFLICT (actor) DO UPDATE SET transit_ms = EXCLUDED.transit_ms, complete_at = EXCLUDED.complete_at,
       events = c.events + 10`,
    [time, lagMs],
  );
}

const sample = (at: number) => takeSample(pool, new Date(at));

async function history(at: number, keptS = 5, stepS = 5, points = 240): Promise<RawHistory> {
  const { rows } = await pool.query<{ history: RawHistory }>(
    "SELECT mr.metric_history($1, $2, $3, $4::timestamptz) AS history",
    [keptS, stepS, points, new Date(at)],
  );
  return rows[0]!.history;
}

const bucket = (at: number, stepMs = STEP_MS) => Math.floor(at / stepMs);

async function forget(): Promise<void> {
  await pool.query(
    `TRUNCATE mr.metric_stream, mr.metric_region, mr.event, mr.peer, mr.cursor, mr.stall, mr.worker;
     UPDATE mr.metric_state SET at = NULL, seen = NULL, actor = NULL, epoch = NULL, conditions = '{}',
       trimmed_writes = 0, trimmed_conflicts = 0, applied = 0`,
  );
}

let written = 0;
async function write(count: number): Promise<void> {
  await pool.query(
    `INSERT INTO "Document" (id, title, "ownerId") SELECT 'd' || ($1::integer + n), 'x', 'o' FROM generate_series(1, $2::integer) n`,
    [written, count],
  );
  written += count;
}

async function lastWrites(at: number): Promise<unknown> {
  const { region } = await history(at);
  return region.find(([b]) => b === bucket(at))?.[1];
}

describe("a sample", () => {
  it("knows nothing of peers that nobody has asked, and no rate before the second one", async () => {
    await forget();
    expect(await sample(NOON + 1_000)).toEqual({ taken: true, nextInMs: 6_500 });
    const { streams, region, nowMs } = await history(NOON + 1_000);
    expect(nowMs).toBe(NOON + 1_000);
    expect(region).toEqual([[bucket(NOON), null, null, null, null, null]]);
    expect(streams.sort()).toEqual([
      [bucket(NOON), "ap-southeast-1", null, null, null, null, null, false],
      [bucket(NOON), "eu-west-1", null, null, null, null, null, false],
    ]);
  });

  it("is taken once, however many workers want to", async () => {
    await forget();
    const taken = await Promise.all([1, 2, 3, 4].map(() => sample(NOON)));
    expect(taken.filter((one) => one.taken)).toHaveLength(1);
    expect((await sample(NOON + 4_999)).taken).toBe(false);
    expect((await sample(NOON + 5_000)).taken).toBe(true);
  });

  it("goes on when the clock is set back", async () => {
    await forget();
    await sample(NOON);
    expect((await sample(NOON - 3_600_000)).taken).toBe(true);
    expect((await history(NOON - 3_600_000)).region).toHaveLength(1);
  });

  it("counts every write once: trimmed, late, or while a transaction stays open", async () => {
    await forget();
    await sample(NOON);
    await write(20);
    await sample(NOON + 5_000);
    expect(await lastWrites(NOON + 5_000)).toBe(4);

    const late = await pool.connect();
    await late.query("BEGIN");
    await late.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('late', 'x', 'o')`);
    // Its position is below these, and the horizon stands still at it.
    await write(10);
    await sample(NOON + 10_000);
    expect(await lastWrites(NOON + 10_000)).toBe(2);
    await late.query("COMMIT");
    late.release();
    await write(4);
    await pool.query(
      `INSERT INTO mr.peer_cursor (region, actor, position) SELECT id, mr.local_actor(), mr.head() FROM mr.region
       ON CONFLICT (region, actor) DO UPDATE SET position = EXCLUDED.position`,
    );
    await pool.query("SELECT mr.trim_outbox(5000)");
    expect((await pool.query(`SELECT FROM mr."outbox_Document"`)).rowCount).toBe(0);
    await sample(NOON + 15_000);
    expect(await lastWrites(NOON + 15_000)).toBe(1);
    await sample(NOON + 20_000);
    expect(await lastWrites(NOON + 20_000)).toBe(0);
  });

  it("says no rate over a gap", async () => {
    await forget();
    await sample(NOON);
    await write(5);
    await sample(NOON + 60_000);
    expect(await lastWrites(NOON + 60_000)).toBeNull();
  });

  it("counts conflicts that this region records, and not those it forgets", async () => {
    await forget();
    await sample(NOON);
    await pool.query(
      `INSERT INTO "Conflict" (id, "entityType", "entityId", field, strategy, outcome, versions)
       SELECT 'c' || n, 'Document', 'd1', 'title', 'x', 'resolved', '{}' FROM generate_series(1, 3) n`,
    );
    await sample(NOON + 5_000);
    await pool.query(`UPDATE "Conflict" SET "deletedAt" = now()`);
    await sample(NOON + 10_000);
    const { region } = await history(NOON + 10_000);
    expect(region.sort((a, b) => a[0] - b[0]).map((point) => point[5])).toEqual([null, 3, 0]);
  });

  it("tells a stalled stream and one that is not known from one without lag", async () => {
    await forget();
    await observe(NOON, 40);
    await pool.query(
      "INSERT INTO mr.stall (actor, reason, detail) VALUES ('eu-west-1', 'schema', 'x')",
    );
    await sample(NOON);
    await pool.query("DELETE FROM mr.stall");
    await observe(NOON + 5_000, 0);
    await sample(NOON + 5_000);
    await sample(NOON + 15_000);
    const { streams } = await history(NOON + 15_000);
    const dublin = streams.filter(([, peer]) => peer === "eu-west-1").sort((a, b) => a[0] - b[0]);
    expect(dublin.map(([, , lag, , , , pending, stalled]) => [lag, pending, stalled])).toEqual([
      [null, 0, true],
      [0, 0, false],
      [null, null, false],
    ]);
  });
});

describe("what is kept", () => {
  it("is an hour of 5 s and a day of 360 s, and never more", { timeout: 120_000 }, async () => {
    await forget();
    const day = 24 * 3_600_000;
    // Longer than a day, so that both rings have gone round; only the last hour at every 5 s.
    for (let at = NOON - day - 7_200_000; at < NOON - 3_600_000; at += 300_000) {
      await observe(at, 10);
      await sample(at);
    }
    for (let at = NOON - 3_600_000; at < NOON; at += STEP_MS) {
      await observe(at, bucket(at) % 2 ? 30 : 10);
      await sample(at);
    }
    const hour = await history(NOON - 1, 5, 15);
    expect(hour.region).toHaveLength(240);
    expect(hour.streams).toHaveLength(480);
    expect(hour.streams.every(([, , lag, max]) => lag! > 10 && max === 30)).toBe(true);
    const whole = await history(NOON - 1, 360, 360);
    expect(whole.region).toHaveLength(240);
    expect(new Set(whole.region.map(([b]) => b)).size).toBe(240);
    const last = whole.streams.find(([b]) => b === bucket(NOON - 1, 360_000))!;
    expect([last[2], last[3]]).toEqual([20, 30]);
    const { rows } = await pool.query<{ step_s: number; n: number }>(
      "SELECT step_s, count(*)::int AS n FROM mr.metric_region GROUP BY 1 ORDER BY 1",
    );
    expect(rows).toEqual([
      { step_s: 5, n: 720 },
      { step_s: 360, n: 240 },
    ]);
  });
});

describe("the lag that is sampled", () => {
  it("is the one that lagOf says", async () => {
    const adapter = new PrismaPg({ connectionString: regions.regions[0]!.appUrl });
    const prisma = new PrismaClient({ adapter });
    const kinds = new Set<string>();
    try {
      for (const [observedMs, transitMs, offsetMs, pending, completeMs, stalled] of [
        [100, 30, 0, 0, 100, false],
        [100, 30, -50, 0, 100, false],
        [100, 30, 20, 7, 60_000, false],
        [100, 30, 20, 0, 60_000, false],
        [100, 30, 0, 7, null, false],
        [100, null, 0, 7, 100, false],
        [9_000, 30, 0, 0, 100, false],
        [9_000, 30, 0, 0, 100, true],
        [100, 30, 0, 3, 100, true],
      ] as const) {
        await forget();
        const ago = (ms: number | null) => (ms === null ? null : new Date(Date.now() - ms));
        await pool.query(
          `INSERT INTO mr.peer (region, actor, head, last_event, schema_version, pending, latency_ms, clock_offset_ms, observed_at)
           VALUES ('eu-west-1', 'eu-west-1#3', 1, 1, 1, $1, 80, $2, $3::timestamptz)`,
          [pending, offsetMs, ago(observedMs)],
        );
        await pool.query(
          `INSERT INTO mr.cursor (actor, transit_ms, complete_at) VALUES ('eu-west-1#3', $1::real, $2::timestamptz)`,
          [transitMs, ago(completeMs)],
        );
        if (stalled) {
          await pool.query(
            "INSERT INTO mr.stall (actor, reason, detail) VALUES ('eu-west-1#3', 'schema', 'x')",
          );
        }
        const { rows } = await pool.query<{ lag_ms: number | null; stalled: boolean }>(
          "SELECT lag_ms, stalled FROM mr.stream_facts(clock_timestamp(), $1) WHERE peer = 'eu-west-1'",
          [OBSERVATION_VALID_MS],
        );
        const overview = await readOverview(prisma);
        const lag = lagOf(overview, "eu-west-1" as RegionId, "us-east-1" as RegionId, 0);
        kinds.add(lag.kind);
        expect(rows[0]?.stalled).toBe(lag.kind === "stalled");
        if (lag.kind === "ok") expect(Math.abs(rows[0]!.lag_ms! - lag.lagMs)).toBeLessThan(1_000);
        else expect(rows[0]?.lag_ms).toBeNull();
        if (lag.kind === "ok" && pending === 0) expect(rows[0]!.lag_ms).toBe(lag.lagMs);
      }
    } finally {
      await prisma.$disconnect();
    }
    expect([...kinds].sort()).toEqual(["ok", "stalled", "unknown"]);
  });
});

describe("events", () => {
  it("are noted when something begins and when it ends", async () => {
    await forget();
    await observe(NOON, 5);
    await sample(NOON);
    await pool.query(
      `UPDATE mr.peer SET failed_since = $1::timestamptz WHERE region = 'ap-southeast-1'`,
      [new Date(NOON)],
    );
    await pool.query(`INSERT INTO mr.stall (actor, reason, detail) VALUES ('eu-west-1#2', 'schema', 'x');
      INSERT INTO mr.worker (bus, seen_at) VALUES ('degraded', now());
      UPDATE mr.leadership SET epoch = epoch + 1, leader = 'eu-west-1'`);
    await sample(NOON + 5_000);
    await sample(NOON + 10_000);
    await pool.query("DELETE FROM mr.stall; UPDATE mr.worker SET bus = 'redis'");
    await observe(NOON + 15_000, 5);
    await sample(NOON + 15_000);
    await sample(NOON + 120_000);
    const { rows } = await pool.query("SELECT kind, subject, detail FROM mr.event ORDER BY id");
    expect(rows).toEqual([
      { kind: "leader", subject: "eu-west-1", detail: "2" },
      { kind: "bus-degraded", subject: "us-east-1", detail: "" },
      { kind: "stalled", subject: "eu-west-1", detail: "schema" },
      { kind: "unreachable", subject: "ap-southeast-1", detail: "" },
      { kind: "bus-restored", subject: "us-east-1", detail: "" },
      { kind: "unstalled", subject: "eu-west-1", detail: "schema" },
      { kind: "reachable", subject: "ap-southeast-1", detail: "" },
      { kind: "worker-back", subject: "us-east-1", detail: "105" },
    ]);
    await pool.query(
      "SELECT mr.note_event(now(), 'leader', 'x', n::text) FROM generate_series(1, 600) n",
    );
    expect((await pool.query("SELECT FROM mr.event")).rowCount).toBe(500);
    await pool.query("UPDATE mr.leadership SET epoch = 1, leader = 'us-east-1'");
  });
});

import pg from "pg";
import type { RegionId } from "@/lib/db/regions/region-id";
import { GlobalLeaderboard } from "@/lib/gaming/leaderboard";
import { MAX_SCORE, scoreOf } from "@/lib/gaming/score";
import { seededRandom } from "@/lib/seeded-random";
import { withSingleStore, type SingleStore } from "./single-store";
import { compareRounds, median, quantile, type BenchResult, type BenchRow } from "./statistics";

const SIZES = [10_000, 100_000, 1_000_000] as const;
const ROUNDS = 5;
const CALLS = 150;
/** Each of the peer's counts all players before one. */
const PEER_CALLS = 12;
const WRITES = 60;
/** A statement's trigger sees all of its rows at once. */
const BATCH = 20_000;
const DUBLIN = { latitude: 53.35, longitude: -6.26 };

/**
 * How scores are spread. `crowded` is what the game makes: nearly everybody within a few thousand points, so that
 * one large stretch holds them all.
 */
const SPREADS = {
  even: `(random() * ${MAX_SCORE})::bigint`,
  crowded: `least(4095, greatest(0, (1500 + 600 * (random() + random() + random() + random() - 2)))::bigint)`,
} as const;

interface Board {
  size: number;
  pool: pg.Pool;
  board: GlobalLeaderboard;
  regionId: RegionId;
  random: () => number;
  names: { rank: string; top: string };
}

/** Times of one round, in ms. */
interface Times {
  rank: number[];
  top: number[];
  write: number[];
  plainRank: number[];
  plainTop: number[];
}

/**
 * Rank, top 100 and a score's write through GlobalLeaderboard at three sizes, beside the plain queries on the same
 * rows. Rounds go through all sizes in turn.
 */
export function benchLeaderboard(): Promise<BenchResult> {
  return withSingleStore(async (store) => {
    const rows: BenchRow[] = [];
    for (const spread of ["even", "crowded"] as const) {
      const boards: Board[] = [];
      try {
        for (const size of SIZES) boards.push(await fill(store, spread, size));
        const rounds = new Map<number, Times[]>(SIZES.map((size) => [size, []]));
        for (const board of boards) await measure(board);
        for (let n = 0; n < ROUNDS; n++) {
          for (const board of boards) rounds.get(board.size)?.push(await measure(board));
        }
        rows.push(...rowsOf(spread, rounds));
      } finally {
        await Promise.all(boards.map(({ pool }) => pool.end()));
      }
    }
    return { name: "leaderboard", rows };
  });
}

async function fill(
  store: SingleStore,
  spread: keyof typeof SPREADS,
  size: number,
): Promise<Board> {
  const { url, runtime } = await store.create(`${spread}_${size}`);
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  // Told by the query that is running, or by nobody where the server is being stopped.
  pool.on("error", () => undefined);
  const { rows: indexes } = await pool.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE tablename = 'PlayerScore' AND indexname NOT LIKE '%_pkey'`,
  );
  // A million rows into an index one by one would take longer than all that is measured.
  for (const { name } of indexes) await pool.query(`DROP INDEX "${name}"`);
  // As repair writes rows: neither stamped nor captured, but counted.
  await pool.query("SET session_replication_role = replica");
  await pool.query("SELECT setseed(0.26)");
  for (let from = 0; from < size; from += BATCH) {
    await pool.query(
      `INSERT INTO "PlayerScore" (id, name, "regionId", best, origin, position)
       SELECT 'player-' || n, 'player-' || n, $3, ${SPREADS[spread]} * 2147483648 + 2147483647 - n, $3, 1
       FROM generate_series($1::bigint, $2::bigint) n`,
      [from, Math.min(size, from + BATCH) - 1, store.regionId],
    );
  }
  await pool.query("SET session_replication_role = origin");
  for (const { definition } of indexes) await pool.query(definition);
  // What a server does by itself in time.
  for (const table of [`"PlayerScore"`, "mr.score_count"])
    await pool.query(`VACUUM ANALYZE ${table}`);
  await pool.query("CHECKPOINT");
  // The first use of a client takes longer than a read may, on a busy machine.
  for (const client of ["read", "write"] as const) {
    await runtime.clients[client](store.regionId, store.regionId).$queryRaw`SELECT 1`;
  }
  return {
    size,
    pool,
    board: new GlobalLeaderboard(() => runtime),
    regionId: store.regionId,
    random: seededRandom(size),
    names: { rank: `rank_${size}`, top: `top_${size}` },
  };
}

async function measure(bench: Board): Promise<Times> {
  const { board, pool, random, size, regionId, names } = bench;
  const anybody = () => `player-${Math.floor(random() * size)}`;
  const plain = (name: string, text: string, values: unknown[]) =>
    pool.query<{ best: string }>({ name, text, values });
  const bestOf = async (id: string) => {
    const { rows } = await plain("best", `SELECT best FROM "PlayerScore" WHERE id = $1`, [id]);
    return rows[0]?.best;
  };
  const rank = await time(CALLS, async () => {
    await board.getPlayerRank(anybody(), DUBLIN.latitude, DUBLIN.longitude);
  });
  const plainRank: number[] = [];
  for (let n = 0; n < PEER_CALLS; n++) {
    const id = anybody();
    const best = await bestOf(id);
    plainRank.push(
      ...(await time(1, () =>
        plain(
          names.rank,
          `SELECT count(*) FROM "PlayerScore"
           WHERE best >= $1 AND (best > $1 OR id < $2) AND "deletedAt" IS NULL`,
          [best, id],
        ),
      )),
    );
  }
  const top = await time(CALLS, () => board.getGlobalLeaderboard(100));
  const plainTop = await time(CALLS, () =>
    plain(
      names.top,
      `SELECT * FROM (SELECT id, name, "regionId", best, rank() OVER (ORDER BY best DESC, id) AS place
         FROM "PlayerScore" WHERE "deletedAt" IS NULL) ranked WHERE place <= 100`,
      [],
    ),
  );
  const write: number[] = [];
  for (let n = 0; n < WRITES; n++) {
    const id = anybody();
    const score = scoreOf(Number(await bestOf(id))) + 1 + Math.floor(random() * 500);
    const better = Math.min(MAX_SCORE, score);
    write.push(...(await time(1, () => board.updateScore(id, better, regionId))));
  }
  return { rank, top, write, plainRank, plainTop };
}

async function time(calls: number, call: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < calls; n++) {
    const startedMs = performance.now();
    await call();
    times.push(performance.now() - startedMs);
  }
  return times;
}

function rowsOf(spread: string, rounds: ReadonlyMap<number, Times[]>): BenchRow[] {
  const count = new Intl.NumberFormat("en");
  const largest = SIZES[SIZES.length - 1] ?? 0;
  const rows: BenchRow[] = [];
  const compared = [
    { what: "rank", own: "rank", peer: "plainRank", with: "count(*)", atMostMs: 10 },
    { what: "top 100", own: "top", peer: "plainTop", with: "window function", atMostMs: 5 },
  ] as const;
  for (const [size, times] of rounds) {
    for (const { what, own, peer, with: name, ...bound } of compared) {
      const at = (q: number) =>
        times.map((round) => [quantile(round[own], q), quantile(round[peer], q)] as const);
      const label = `${what}, ${spread}, ${count.format(size)} players`;
      rows.push(compareRounds(`${label}, p50`, "ms", name, at(0.5)));
      const target = size === largest ? { valueAtMost: bound.atMostMs } : undefined;
      rows.push(compareRounds(`${label}, p95`, "ms", name, at(0.95), target));
    }
  }
  const grown = (own: "rank" | "top" | "write"): [number, number][] => {
    const [few = [], many = []] = [SIZES[0], largest].map((size) => rounds.get(size));
    return many.map((round, n) => [median(round[own]), median(few[n]?.[own] ?? [])]);
  };
  for (const { what, own } of [...compared, { what: "score's write", own: "write" } as const]) {
    const label = `${what}, ${spread}, p50 of ${count.format(largest)} players`;
    const peer = `the same of ${count.format(SIZES[0])}`;
    rows.push(compareRounds(label, "ms", peer, grown(own), { atMost: 3 }));
  }
  return rows;
}

import type pg from "pg";
import { serverCpuSeconds, onClients, withBenchPlanet, type BenchStore } from "./setup";
import { compareRounds, median, type BenchResult } from "./statistics";

const ROWS = 5_000;
const CLIENTS = 8;
const ROUND_MS = 2_000;
const ROUNDS = 5;

interface Round {
  perSecond: number;
  p50Ms: number;
  cpuMicros: number;
  walBytes: number;
}

/** Single-row UPDATE transactions with capture against the same on an uncaptured twin. */
export function benchWrite(): Promise<BenchResult> {
  return withBenchPlanet(async ({ planet, source, targets }) => {
    // The cost at the source alone: nobody reads what is written.
    for (const { name } of await planet.processes()) {
      if (name.startsWith("worker")) {
        await planet.control("POST", `/processes/${name}`, { action: "stop" });
      }
    }
    for (const [index, { pool }] of targets.entries()) {
      await pool.query(`ALTER SUBSCRIPTION bench_${index} DISABLE`);
      await pool.query(`ALTER SUBSCRIPTION bench_${index} SET (slot_name = NONE)`);
    }
    await source.pool.query(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active",
    );
    await source.pool.query("CREATE TABLE plain_document (LIKE native_document INCLUDING ALL)");
    for (const table of ["plain_document", `"Document"`]) {
      await source.pool.query(
        `INSERT INTO ${table} (id, title, content, "ownerId")
         SELECT 'bench-' || n, 'title', repeat('x', 200), 'bench' FROM generate_series(1, ${ROWS}) n`,
      );
    }
    const pairs: (readonly [Round, Round])[] = [];
    await measure(source, `"Document"`);
    await measure(source, "plain_document");
    for (let round = 0; round < ROUNDS; round++) {
      const captured = await measure(source, `"Document"`);
      pairs.push([captured, await measure(source, "plain_document")]);
    }
    const pick = (key: keyof Round) =>
      pairs.map(([captured, plain]) => [captured[key], plain[key]] as const);
    const peer = "UPDATE of a table without triggers";
    return {
      name: "write",
      rows: [
        compareRounds("commits with capture", "1/s", peer, pick("perSecond"), { atLeast: 0.8 }),
        compareRounds("p50 of a write", "ms", peer, pick("p50Ms")),
        compareRounds("server CPU per write", "µs", peer, pick("cpuMicros"), { atMost: 1.35 }),
        compareRounds("WAL per write", "bytes", peer, pick("walBytes")),
      ],
    };
  });
}

async function measure({ pool, pid }: BenchStore, table: string): Promise<Round> {
  await pool.query("CHECKPOINT");
  const wal = await walPosition(pool);
  const cpu = serverCpuSeconds(pid);
  const times: number[] = [];
  const untilMs = performance.now() + ROUND_MS;
  await onClients(pool, CLIENTS, async (client) => {
    while (performance.now() < untilMs) {
      const startedMs = performance.now();
      await client.query({
        name: `bench_${table}`,
        text: `UPDATE ${table} SET title = $1 WHERE id = $2`,
        values: [String(startedMs), `bench-${1 + Math.floor(Math.random() * ROWS)}`],
      });
      times.push(performance.now() - startedMs);
    }
  });
  return {
    perSecond: times.length / (ROUND_MS / 1_000),
    p50Ms: median(times),
    cpuMicros: ((serverCpuSeconds(pid) - cpu) * 1e6) / times.length,
    walBytes: ((await walPosition(pool)) - wal) / times.length,
  };
}

async function walPosition(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS bytes",
  );
  return Number(rows[0]?.bytes);
}

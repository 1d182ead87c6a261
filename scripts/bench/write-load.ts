import type pg from "pg";
import { serverCpuSeconds, type BenchStore } from "./setup";
import { median } from "./statistics";

export const CLIENTS = 8;
const ROUND_MS = 2_000;

export interface WriteRound {
  perSecond: number;
  p50Ms: number;
  /** Of the database server, per write. */
  cpuMicros: number;
  walBytes: number;
}

/** Makes one write after the other until the round is over. */
export type Repeat = (write: () => Promise<unknown>) => Promise<void>;

/** @param run starts all clients; resolves once each has done its share */
export async function measureWrites(
  { pool, pid }: BenchStore,
  run: (repeat: Repeat) => Promise<unknown>,
): Promise<WriteRound> {
  await pool.query("CHECKPOINT");
  const wal = await walPosition(pool);
  const cpu = serverCpuSeconds(pid);
  const times: number[] = [];
  const untilMs = performance.now() + ROUND_MS;
  await run(async (write) => {
    while (performance.now() < untilMs) {
      const startedMs = performance.now();
      await write();
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

import { systemSleep } from "@/lib/clock";
import { onClients, switchNative, withBenchPlanet, withoutNative, type BenchPlanet } from "./setup";
import { compareRounds, type BenchResult } from "./statistics";

const EVENTS = 16_000;
const CLIENTS = 8;
const ROUNDS = 4;

/**
 * Single-row transactions at one region until both others have them, against PostgreSQL's own
 * logical replication of a twin table: a backlog of them, and while they are being written.
 */
export function benchReplication(): Promise<BenchResult> {
  return withBenchPlanet(async (bench) => {
    const backlog: [number, number][] = [];
    const live: [number, number][] = [];
    const ours = (prefix: string) =>
      withoutNative(bench, () => liveRound(bench, `"Document"`, prefix));
    await ours("warm");
    await liveRound(bench, "native_document", "warm");
    for (let round = 0; round < ROUNDS; round++) {
      backlog.push([
        await withoutNative(bench, () => ourBacklog(bench, round)),
        await nativeBacklog(bench, round),
      ]);
      live.push([
        await ours(`live-${round}`),
        await liveRound(bench, "native_document", `live-${round}`),
      ]);
    }
    const peer = "native logical replication";
    return {
      name: "replication",
      rows: [
        compareRounds("backlog to two targets", "events/s", peer, backlog, { atLeast: 1.5 }),
        compareRounds("8 writers, until both have all", "events/s", peer, live, { atLeast: 0.95 }),
      ],
    };
  });
}

async function insertAll({ source }: BenchPlanet, table: string, prefix: string): Promise<void> {
  await onClients(source.pool, CLIENTS, async (client, index) => {
    for (let n = index; n < EVENTS; n += CLIENTS) {
      await client.query({
        name: `insert_${table}`,
        text: `INSERT INTO ${table} (id, title, content, "ownerId") VALUES ($1, 'title', $2, 'bench')`,
        values: [`${prefix}-${n}`, "x".repeat(200)],
      });
    }
  });
}

async function untilBothHaveAll(
  { targets }: BenchPlanet,
  table: string,
  prefix: string,
): Promise<void> {
  const deadlineMs = performance.now() + 120_000;
  for (const { pool } of targets) {
    for (;;) {
      const { rows } = await pool.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM ${table} WHERE id LIKE $1`,
        [`${prefix}-%`],
      );
      if (rows[0]?.n === EVENTS) break;
      if (performance.now() > deadlineMs) throw new Error(`${table}: not all arrived`);
      await systemSleep(20);
    }
  }
}

async function liveRound(bench: BenchPlanet, table: string, prefix: string): Promise<number> {
  const startedMs = performance.now();
  await insertAll(bench, table, prefix);
  await untilBothHaveAll(bench, table, prefix);
  return (EVENTS * 1_000) / (performance.now() - startedMs);
}

async function ourBacklog(bench: BenchPlanet, round: number): Promise<number> {
  const workers = (await bench.planet.processes()).filter(({ name }) => name.startsWith("worker"));
  const act = (action: "stop" | "continue") =>
    Promise.all(
      workers.map(({ name }) => bench.planet.control("POST", `/processes/${name}`, { action })),
    );
  await act("stop");
  await insertAll(bench, `"Document"`, `backlog-${round}`);
  await systemSleep(500);
  const startedMs = performance.now();
  await act("continue");
  await untilBothHaveAll(bench, `"Document"`, `backlog-${round}`);
  return (EVENTS * 1_000) / (performance.now() - startedMs);
}

async function nativeBacklog(bench: BenchPlanet, round: number): Promise<number> {
  await switchNative(bench, "DISABLE");
  await insertAll(bench, "native_document", `backlog-${round}`);
  await systemSleep(500);
  const startedMs = performance.now();
  await switchNative(bench, "ENABLE");
  await untilBothHaveAll(bench, "native_document", `backlog-${round}`);
  return (EVENTS * 1_000) / (performance.now() - startedMs);
}

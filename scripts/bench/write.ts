import { interleave, pairsOf } from "./interleave";
import { benchPrismaWrites } from "./write-prisma";
import { benchDocumentWrites } from "./write-document";
import { createTwin } from "./plain-twin";
import {
  onClients,
  switchNative,
  withBenchPlanet,
  type BenchPlanet,
  type BenchStore,
} from "./setup";
import { compareRounds, type BenchResult, type BenchRow } from "./statistics";
import { CLIENTS, measureWrites, type WriteRound } from "./write-load";

const ROWS = 5_000;
const ROUNDS = 5;

/** Single-row writes with capture against the same on an uncaptured twin: by SQL, by Prisma, by the document action. */
export function benchWrite(): Promise<BenchResult> {
  return withBenchPlanet(async (bench) => {
    await silence(bench);
    const { source } = bench;
    await source.pool.query("CREATE TABLE plain_document (LIKE native_document INCLUDING ALL)");
    for (const table of ["plain_document", `"Document"`]) {
      await source.pool.query(
        `INSERT INTO ${table} (id, title, content, "ownerId")
         SELECT 'bench-' || n, 'title', repeat('x', 200), 'bench' FROM generate_series(1, ${ROWS}) n`,
      );
    }
    const statements = await benchStatements(source);
    // Else one side would begin with the dead rows of all these writes, and the other without any.
    await source.pool.query(`VACUUM FULL ANALYZE "Document"`);
    await createTwin(source.pool);
    return {
      name: "write",
      rows: [
        ...statements,
        ...(await benchPrismaWrites(bench, ROUNDS, anyRow)),
        ...(await benchDocumentWrites(bench, ROUNDS)),
      ],
    };
  });
}

const anyRow = () => `bench-${1 + Math.floor(Math.random() * ROWS)}`;

/** The cost at the source alone: nobody reads what is written. */
async function silence(bench: BenchPlanet): Promise<void> {
  const { planet, source, targets } = bench;
  for (const { name } of await planet.processes()) {
    if (name.startsWith("worker")) {
      await planet.control("POST", `/processes/${name}`, { action: "stop" });
    }
  }
  await switchNative(bench, "DISABLE");
  for (const [index, { pool }] of targets.entries()) {
    await pool.query(`ALTER SUBSCRIPTION bench_${index} SET (slot_name = NONE)`);
  }
  await source.pool.query(
    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active",
  );
}

async function benchStatements(source: BenchStore): Promise<BenchRow[]> {
  const pairs = pairsOf(
    await interleave(
      ROUNDS,
      [`"Document"`, "plain_document"].map((table) => () => update(source, table)),
    ),
  );
  const pick = (key: keyof WriteRound) =>
    pairs.map(([captured, plain]) => [captured[key], plain[key]] as const);
  const peer = "UPDATE of a table without triggers";
  return [
    compareRounds("commits with capture", "1/s", peer, pick("perSecond"), { atLeast: 0.8 }),
    compareRounds("p50 of a write", "ms", peer, pick("p50Ms")),
    compareRounds("server CPU per write", "µs", peer, pick("cpuMicros"), { atMost: 1.35 }),
    compareRounds("WAL per write", "bytes", peer, pick("walBytes")),
  ];
}

function update(source: BenchStore, table: string): Promise<WriteRound> {
  return measureWrites(source, (repeat) =>
    onClients(source.pool, CLIENTS, (client) =>
      repeat(() =>
        client.query({
          name: `bench_${table}`,
          text: `UPDATE ${table} SET title = $1 WHERE id = $2`,
          values: [String(performance.now()), anyRow()],
        }),
      ),
    ),
  );
}

import { interleave, pairsOf } from "./interleave";
import { PrismaPg } from "@prisma/adapter-pg";
import { StatementNames } from "@/lib/db/regions/statement-names";
import { PrismaClient } from "@/lib/generated/prisma/client";
import { TWIN_SCHEMA } from "./plain-twin";
import { ownEndpoints, type BenchPlanet } from "./setup";
import { compareRounds, type BenchRow } from "./statistics";
import { CLIENTS, measureWrites, type WriteRound } from "./write-load";

const PEER = "the same of a table without triggers";

/** `update` of one model, in the schema whose table is captured and in the twin's. */
export async function benchPrismaWrites(
  bench: BenchPlanet,
  rounds: number,
  anyRow: () => string,
): Promise<BenchRow[]> {
  const { write: url } = ownEndpoints(bench.planet);
  const [captured, plain] = [clientOf(url, "public"), clientOf(url, TWIN_SCHEMA)];
  try {
    const pairs = pairsOf(
      await interleave(
        rounds,
        [captured, plain].map((client) => () => update(bench, client, anyRow)),
      ),
    );
    const pick = (key: keyof WriteRound) =>
      pairs.map(([one, other]) => [one[key], other[key]] as const);
    return [
      compareRounds("Prisma update: commits with capture", "1/s", PEER, pick("perSecond")),
      compareRounds("Prisma update: p50", "ms", PEER, pick("p50Ms")),
      compareRounds("Prisma update: server CPU", "µs", PEER, pick("cpuMicros")),
      compareRounds("Prisma update: WAL", "bytes", PEER, pick("walBytes")),
    ];
  } finally {
    await Promise.all([captured.$disconnect(), plain.$disconnect()]);
  }
}

/** A client that names its statements, as the application's do. */
export function clientOf(url: string, schema: string): PrismaClient {
  const names = new StatementNames();
  const statementNameGenerator = ({ sql }: { sql: string }) => names.of(sql);
  const pool = { connectionString: url, max: CLIENTS };
  return new PrismaClient({ adapter: new PrismaPg(pool, { schema, statementNameGenerator }) });
}

function update(
  { source }: BenchPlanet,
  db: PrismaClient,
  anyRow: () => string,
): Promise<WriteRound> {
  const write = () =>
    db.document.update({
      where: { id: anyRow() },
      data: { title: String(performance.now()) },
      select: { id: true },
    });
  return measureWrites(source, (repeat) =>
    Promise.all(Array.from({ length: CLIENTS }, () => repeat(write))),
  );
}

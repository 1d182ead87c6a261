import { readReplicas } from "@prisma/extension-read-replicas";
import { ReadYourWritesManager, type CacheKey, type SessionToken } from "@/lib/db/read-your-writes";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { toPosition } from "@/lib/db/sessions/positions";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { interleave, pairsOf } from "./interleave";
import { withPlanetTopology } from "./setup";
import { compareRounds, median, type BenchResult, type BenchRow } from "./statistics";

const HERE = "us-east-1" as RegionId;
const THERE = "eu-west-1" as RegionId;
const ROWS = 200;
const READS = 400;
const ROUNDS = 7;

const PLAIN = "Prisma findUnique";
const EXTENSION = "@prisma/extension-read-replicas";

type Read = (id: string, token: SessionToken) => Promise<unknown>;

interface Round {
  p50Ms: number;
  /** Of this process. */
  cpuMicros: number;
}

/** Reads of one document in Virginia, one after the other, with all that a session read does around it. */
export async function benchRead(): Promise<BenchResult> {
  return withPlanetTopology(["--headless", "--no-latency"], async (planet, topology) => {
    const runtime = new Runtime(() => ({ ...topology, currentRegion: HERE }));
    try {
      return { name: "read", rows: await measureAll(planet, runtime) };
    } finally {
      await runtime.close();
    }
  });
}

async function measureAll(planet: ChildPlanet, runtime: Runtime): Promise<BenchRow[]> {
  const db = runtime.clients.read(HERE, HERE);
  const ids = await Promise.all(
    Array.from({ length: ROWS }, async (_, n) => {
      const data = { title: `Document ${n}`, content: "x".repeat(500), ownerId: "bench" };
      return (await db.document.create({ data, select: { id: true } })).id;
    }),
  );
  const measure = (read: Read, before?: () => Promise<SessionToken>) =>
    measureReads(ids, read, before);
  const plain: Read = (id) => find(id)(db);
  const extended = db.$extends(readReplicas({ replicas: [runtime.clients.read(HERE, HERE)] }));
  const byExtension: Read = (id) => extended.document.findUnique({ where: { id } });
  const session = inSession(runtime, "reader");
  const cached = inSession(runtime, "keeper", true);

  const free = await interleave(ROUNDS, [
    () => measure(session),
    () => measure(plain),
    () => measure(byExtension),
    () => measure(cached),
  ]);
  // Singapore hears of nothing more: what is written from now on has to be looked for.
  await planet.control("POST", "/processes/worker-ap-southeast-1", { action: "stop" });
  const own = tokenOf(await writeIn(runtime, HERE));
  const fresh = async () => tokenOf(await writeIn(runtime, THERE));
  const open = await interleave(ROUNDS, [
    () => measure(inSession(runtime, "writer"), () => Promise.resolve(own)),
    () => measure(plain),
  ]);
  const waiting = await interleave(ROUNDS, [
    () => measure(inSession(runtime, "mover"), fresh),
    () => measure(plain),
  ]);
  const row = (
    what: string,
    peer: string,
    key: keyof Round,
    pairs: readonly (readonly [Round, Round])[],
    target?: BenchRow["target"],
  ) =>
    compareRounds(
      what,
      key === "p50Ms" ? "ms" : "µs",
      peer,
      pairs.map(([one, other]) => [one[key], other[key]] as const),
      target,
    );
  const against = (rounds: readonly Round[][], at: number, what = 0) => pairsOf(rounds, what, at);
  return [
    row("session read, no token: p50", PLAIN, "p50Ms", against(free, 1), { atMost: 1.05 }),
    row("session read, no token: CPU", PLAIN, "cpuMicros", against(free, 1), { atMost: 1.1 }),
    row("session read, no token: p50", EXTENSION, "p50Ms", against(free, 2)),
    row("session read, no token: CPU", EXTENSION, "cpuMicros", against(free, 2)),
    row("the same, the regional cache on: p50", PLAIN, "p50Ms", against(free, 1, 3), {
      atMost: 0.8,
    }),
    row("the same, the regional cache on: CPU", PLAIN, "cpuMicros", against(free, 1, 3)),
    row("with an open token that the region satisfies: p50", PLAIN, "p50Ms", against(open, 1)),
    row("with an open token that the region satisfies: CPU", PLAIN, "cpuMicros", against(open, 1)),
    row("right after a write elsewhere: p50", PLAIN, "p50Ms", against(waiting, 1)),
  ];
}

const find = (id: string) => (client: PrismaClient) =>
  client.document.findUnique({ where: { id } });

/** @param cached whether the region may answer with what its Redis has kept; it does for some seconds, then it reads anew */
function inSession(runtime: Runtime, user: string, cached = false): Read {
  const sessions = new ReadYourWritesManager(() => runtime);
  return async (id, token) => {
    const cache: CacheKey | undefined = cached
      ? { entity: "Document", id, variant: "row" }
      : undefined;
    const options = { vantage: HERE, token, cache };
    const { data, receipt } = await sessions.ensureConsistency(user, HERE, find(id), options);
    if (receipt.stale) throw new Error("A read on a healthy planet was stale");
    return data;
  };
}

async function writeIn(runtime: Runtime, region: RegionId) {
  return runtime.clients.write(HERE, region).document.create({
    data: { title: "own", content: "", ownerId: "bench" },
    select: { origin: true, position: true },
  });
}

function tokenOf({ origin, position }: { origin: string; position: bigint }): SessionToken {
  return { kind: "valid", positions: new Map([[origin as Actor, toPosition(position)]]) };
}

/** @param before makes the token of a read, and is not part of it */
async function measureReads(
  ids: readonly string[],
  read: Read,
  before?: () => Promise<SessionToken>,
): Promise<Round> {
  const times: number[] = [];
  let cpuMicros = 0;
  for (let n = 0; n < READS; n++) {
    const token = await before?.();
    const id = ids[n % ids.length]!;
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    if (!(await read(id, token ?? { kind: "none" }))) throw new Error("A document is missing");
    times.push(performance.now() - startedMs);
    const { user, system } = process.cpuUsage(cpu);
    cpuMicros += user + system;
  }
  return { p50Ms: median(times), cpuMicros: cpuMicros / READS };
}

import { randomUUID } from "node:crypto";
import type { Endpoints, Topology } from "@/lib/db/regions/topology";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { writeRow, type WriteRowOptions } from "@/lib/db/writes/write-row";
import { systemSleep } from "@/lib/clock";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { LinkProxy } from "@/scripts/local/link-proxy";
import { withPlanetTopology } from "./setup";
import { compareRounds, type BenchResult } from "./statistics";

const VANTAGE = "eu-west-1" as RegionId;
const LEADER = "us-east-1" as RegionId;
const STAMP = { id: true, origin: true, position: true } as const;

const ROUNDS = 30;
const WARM_ROUNDS = 15;
/** What an operation leaves behind it, a wake-up or a look at another region, is over by then. */
const SETTLE_MS = 300;

const PEER = "one statement sent there";

/** Trips between regions that one operation in Dublin waits for or causes, by proxies of its own; Virginia leads. */
export async function benchRtt(): Promise<BenchResult> {
  return withPlanetTopology(["--headless"], async (_planet, topology) => {
    const proxies: LinkProxy[] = [];
    let runtime: Runtime | undefined;
    try {
      const counted = await countTrips(topology, proxies);
      const started = (runtime = new Runtime(() => counted));
      return { name: "rtt", rows: await measureAll(started, proxies) };
    } finally {
      await runtime?.close();
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    }
  });
}

/** The same topology, with a proxy of the benchmark's own on each way between two regions from Dublin. */
async function countTrips(topology: Topology, proxies: LinkProxy[]): Promise<Topology> {
  const ways = new Map<RegionId, Endpoints>();
  for (const { id } of topology.regions) {
    const endpoints = topology.endpoints(VANTAGE, id);
    ways.set(id, id === VANTAGE ? endpoints : await throughProxies(endpoints, proxies));
  }
  return {
    ...topology,
    currentRegion: VANTAGE,
    endpoints: (from, to) => {
      const way = from === VANTAGE ? ways.get(to) : undefined;
      if (!way) throw new RangeError(`${from} asked for ${to}: the benchmark runs in ${VANTAGE}`);
      return way;
    },
  };
}

async function throughProxies(endpoints: Endpoints, proxies: LinkProxy[]): Promise<Endpoints> {
  const through = async (url: string) => {
    const changed = new URL(url);
    const proxy = new LinkProxy({
      listenPort: 0,
      targetHost: changed.hostname,
      targetPort: Number(changed.port),
      oneWayDelayMs: 0,
    });
    await proxy.start();
    proxies.push(proxy);
    changed.port = String(proxy.port);
    return changed.href;
  };
  const database = await through(endpoints.write);
  return {
    read: database,
    write: database,
    direct: endpoints.direct,
    peer: endpoints.peer,
    redis: endpoints.redis === null ? null : await through(endpoints.redis),
  };
}

async function measureAll(runtime: Runtime, proxies: readonly LinkProxy[]) {
  const sessions = new ReadYourWritesManager(() => runtime);
  const documents = await Promise.all(
    Array.from({ length: 20 }, () => write("Document", newDocument)),
  );
  async function write(
    entity: "Document" | "LabRow",
    create: (db: PrismaClient) => Promise<{ id: string; origin: string; position: bigint }>,
    options: WriteRowOptions = {},
  ) {
    const outcome = await writeRow(entity, VANTAGE, create, { ...options, runtime: () => runtime });
    if (outcome.kind !== "placed") throw new Error(`A ${entity} was not written: ${outcome.kind}`);
    return outcome.value;
  }
  const read = async () => {
    const id = documents[Math.floor(Math.random() * documents.length)]!.id;
    const { data } = await sessions.ensureConsistency(
      "reader",
      VANTAGE,
      (db) => db.document.findUnique({ where: { id } }),
      { vantage: VANTAGE },
    );
    if (!data) throw new Error("A document is missing");
  };
  const statement = async () => {
    await runtime.clients.write(VANTAGE, LEADER).$queryRaw`SELECT 1`;
  };
  const operations = [
    { what: "session read", run: read, atMost: 0 },
    {
      what: "write of a multi-leader row",
      run: () => write("Document", newDocument),
      atMost: 0,
    },
    {
      what: "write of a single-leader row, durability region",
      run: () => write("LabRow", newLabRow, { durability: "region" }),
      atMost: 1,
    },
    {
      what: "write of a single-leader row, durability quorum",
      run: () => write("LabRow", newLabRow, { durability: "quorum" }),
      atMost: 1,
    },
  ];
  const rows = [];
  for (const { what, run, atMost } of operations) {
    const pairs: [number, number][] = [];
    for (let n = -WARM_ROUNDS; n < ROUNDS; n++) {
      const pair: [number, number] = [
        await tripsOf(run, proxies),
        await tripsOf(statement, proxies),
      ];
      if (n >= 0) pairs.push(pair);
    }
    rows.push(compareRounds(what, "round trips", PEER, pairs, { valueAtMost: atMost }));
  }
  return rows;
}

/** Until it is answered. What goes on after that keeps nobody waiting, and is over before the next one. */
async function tripsOf(
  run: () => Promise<unknown>,
  proxies: readonly LinkProxy[],
): Promise<number> {
  await systemSleep(SETTLE_MS);
  const before = tripsSoFar(proxies);
  await run();
  return tripsSoFar(proxies) - before;
}

function tripsSoFar(proxies: readonly LinkProxy[]): number {
  return proxies.reduce((sum, { counters }) => sum + counters.roundTrips, 0);
}

const newDocument = (db: PrismaClient) =>
  db.document.create({ data: { title: "rtt", content: "", ownerId: "bench" }, select: STAMP });

const newLabRow = (db: PrismaClient) =>
  db.labRow.create({
    data: { id: randomUUID(), durability: "region", vantage: VANTAGE },
    select: STAMP,
  });

import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { demoSession, type DemoSession } from "@/scripts/drill/demo-session";
import { openPlanet } from "@/scripts/drill/planet-runtime";
import { buildBareApp, removeBareApp, startBareApp } from "./bare-app";
import { PageAsker, TitleAsker, TypedTitleAsker, type Asker } from "./http-askers";
import { CONNECTIONS, loadHttp, type HttpRound } from "./http-load";
import { createTwin, TWIN_SCHEMA } from "./plain-twin";
import { interleave, pairsOf } from "./interleave";
import { HERE } from "./setup";
import { compareRounds, type BenchResult, type BenchRow } from "./statistics";

const ROUNDS = 5;
/** What a round leaves behind it, such as what workers carry to other regions, is over by then. */
const SETTLE_MS = 300;

const BARE_PAGE = "bare page of one Prisma query";
const BARE_HANDLER = "bare handler of one Prisma update, without triggers";

/** A document that nobody changes, and one for each connection of each round. */
const SHOWN = "bench-0";
const DOCUMENTS = 1 + CONNECTIONS * (ROUNDS + 1);

interface Documents {
  session: DemoSession;
  /** Versions of all, by id. */
  clocks: ReadonlyMap<string, Record<string, number>>;
}

type Load = (round: number) => Promise<HttpRound>;

/** Pages and a handler of the production build in Virginia, beside those of an app of nothing but Next.js and Prisma. */
export async function benchHttp(): Promise<BenchResult> {
  const planet = new ChildPlanet(["--production", "--no-latency", "--port", "0"]);
  try {
    await buildBareApp();
    await planet.start();
    const { regions, topology } = openPlanet(planet);
    const documents = await fill(planet, regions[0]!.pool);
    await Promise.all(regions.map(({ pool }) => pool.end()));
    const { write: url } = topology.endpoints(HERE, HERE);
    const bare = await startBareApp({ url, schema: TWIN_SCHEMA });
    try {
      const web = new URL(planet.cluster().web!);
      web.hostname = "127.0.0.1";
      return { name: "http", rows: await measureAll(web.origin, bare.origin, documents) };
    } finally {
      await bare.stop();
    }
  } finally {
    await planet.stop();
    await removeBareApp();
  }
}

async function fill(planet: ChildPlanet, pool: pg.Pool): Promise<Documents> {
  const session = await demoSession(planet, "http-bench");
  const { rows } = await pool.query<{ id: string; clock: Record<string, number> }>(
    `INSERT INTO "Document" (id, title, content, "ownerId")
     SELECT 'bench-' || n, 'Document ' || n, repeat('A line of a text that is not long.' || E'\\n', 15), $2
     FROM generate_series(0, $1::int - 1) n RETURNING id, clock`,
    [DOCUMENTS, session.userId],
  );
  await createTwin(pool);
  return { session, clocks: new Map(rows.map(({ id, clock }) => [id, clock])) };
}

async function measureAll(own: string, bare: string, documents: Documents): Promise<BenchRow[]> {
  const { cookie } = documents.session;
  const page = (origin: string, path: string, as?: string) => () =>
    loadHttp(
      origin,
      connections(() => new PageAsker(path, as)),
    );
  const loads: Load[] = [
    page(own, "/"),
    page(own, "/documents", cookie),
    page(own, `/documents/${SHOWN}`, cookie),
    page(bare, `/${SHOWN}`),
    (round) => loadHttp(own, typing(own, documents, round)),
    (round) => loadHttp(bare, changing(round)),
  ];
  const rounds = await interleave(
    ROUNDS,
    loads.map((load) => (round) => settled(load(round))),
  );
  return [
    ...rowsOf("front page, signed out", BARE_PAGE, pairsOf(rounds, 0, 3)),
    ...rowsOf("list of documents, signed in", BARE_PAGE, pairsOf(rounds, 1, 3)),
    ...rowsOf("page of a document, signed in", BARE_PAGE, pairsOf(rounds, 2, 3)),
    ...rowsOf("a title saved by its handler", BARE_HANDLER, pairsOf(rounds, 4, 5)),
  ];
}

const connections = <T>(open: (index: number) => T): T[] =>
  Array.from({ length: CONNECTIONS }, (_, index) => open(index));

/** Each connection has a document of its own in each round: none starts from a version that it doesn't know. */
const documentOf = (round: number, index: number) => `bench-${1 + round * CONNECTIONS + index}`;

function typing(origin: string, { session, clocks }: Documents, round: number): Asker[] {
  return connections((index) => {
    const id = documentOf(round, index);
    const path = `/api/documents/${id}/title`;
    return new TypedTitleAsker(path, id, origin, session.cookie, clocks.get(id)!);
  });
}

function changing(round: number): Asker[] {
  return connections((index) => {
    const id = documentOf(round, index);
    return new TitleAsker(`/${id}/title`, id);
  });
}

async function settled(load: Promise<HttpRound>): Promise<HttpRound> {
  const found = await load;
  await systemSleep(SETTLE_MS);
  return found;
}

function rowsOf(
  what: string,
  peer: string,
  measured: readonly [HttpRound, HttpRound][],
): BenchRow[] {
  const pairs = (key: keyof HttpRound) =>
    measured.map(([own, bare]) => [own[key], bare[key]] as const);
  return [
    compareRounds(`${what}: requests`, "1/s", peer, pairs("perSecond")),
    compareRounds(`${what}: p99`, "ms", peer, pairs("p99Ms")),
  ];
}

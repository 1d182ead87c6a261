import { systemSleep } from "@/lib/clock";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { openPlanet } from "@/scripts/drill/planet-runtime";
import { buildBareApp, removeBareApp, startBareApp } from "./bare-app";
import { PageAsker, TitleAsker, type Asker } from "./http-askers";
import {
  connections,
  documentOf,
  fillDocuments,
  SHOWN,
  typing,
  type Documents,
} from "./http-documents";
import { loadHttp, type HttpRound } from "./http-load";
import { createTwin, TWIN_SCHEMA } from "./plain-twin";
import { interleave, pairsOf } from "./interleave";
import { HERE } from "./setup";
import { compareRounds, type BenchResult, type BenchRow } from "./statistics";

const ROUNDS = 5;
/** What a round leaves behind it, such as what workers carry to other regions, is over by then. */
const SETTLE_MS = 300;

const BARE_PAGE = "bare page of one Prisma query";
const BARE_HANDLER = "bare handler of one Prisma update, without triggers";

type Load = (round: number) => Promise<HttpRound>;

/** Pages and a handler of the production build in Virginia, beside those of an app of nothing but Next.js and Prisma. */
export async function benchHttp(): Promise<BenchResult> {
  const planet = new ChildPlanet(["--production", "--no-latency", "--port", "0"]);
  try {
    await buildBareApp();
    await planet.start();
    const { regions, topology } = openPlanet(planet);
    const { pool } = regions[0]!;
    // One round more than are counted.
    const documents = await fillDocuments(planet, pool, ROUNDS + 1);
    await createTwin(pool);
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

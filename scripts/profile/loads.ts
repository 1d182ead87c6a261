import pg from "pg";
import { PageAsker, type Asker } from "@/scripts/bench/http-askers";
import { connections, fillDocuments, SHOWN, typing } from "@/scripts/bench/http-documents";
import { loadHttp } from "@/scripts/bench/http-load";
import { onClients } from "@/scripts/bench/setup";
import type { ChildPlanet } from "@/scripts/local/child-planet";

/** Something that a process is asked to do while it is watched. */
export interface Load {
  name: string;
  /** What `run` counts. */
  unit: string;
  /** @returns how often it was done */
  run(seconds: number): Promise<number>;
}

/** Of them half in the region of the worker, half in another one: it publishes the first and applies the others. */
export const WRITERS = 8;

/** Rows of each region's writers; so many that two seldom meet. */
const ROWS = 5_000;

const WRITERS_CONNECTED_MS = 10_000;

/** Rows of one table, changed one by one in two regions. */
export async function openWrites(
  planet: ChildPlanet,
): Promise<{ load: Load; close(): Promise<void> }> {
  const pools = planet
    .cluster()
    .regions.slice(0, 2)
    .map(({ directUrl: connectionString }) => ({
      pool: new pg.Pool({
        connectionString,
        max: WRITERS / 2,
        connectionTimeoutMillis: WRITERS_CONNECTED_MS,
      }),
    }));
  for (const [region, { pool }] of pools.entries()) {
    await pool.query(
      `INSERT INTO "Document" (id, title, content, "ownerId")
       SELECT 'profile-' || $1::int || '-' || n, 'title', repeat('x', 200), 'bench' FROM generate_series(1, $2::int) n`,
      [region, ROWS],
    );
  }
  const write = async (client: pg.PoolClient, region: number) => {
    const row = 1 + Math.floor(Math.random() * ROWS);
    await client.query({
      name: "profile",
      text: `UPDATE "Document" SET title = $1 WHERE id = $2`,
      values: [String(performance.now()), `profile-${region}-${row}`],
    });
  };
  const run = async (seconds: number) => {
    const untilMs = performance.now() + seconds * 1_000;
    let writes = 0;
    const repeat = (region: number) => async (client: pg.PoolClient) => {
      for (; performance.now() < untilMs; writes++) await write(client, region);
    };
    await Promise.all(
      pools.map(({ pool }, region) => onClients(pool, WRITERS / 2, repeat(region))),
    );
    return writes;
  };
  return {
    load: { name: "writes", unit: "write", run },
    close: async () => {
      await Promise.all(pools.map(({ pool }) => pool.end()));
    },
  };
}

/** What `npm run bench -- http` asks for, in the same way; titles change in two rounds. */
export async function webLoads(planet: ChildPlanet): Promise<Load[]> {
  const web = new URL(planet.cluster().web!);
  web.hostname = "127.0.0.1";
  const { origin } = web;
  const pool = new pg.Pool({ connectionString: planet.cluster().regions[0]!.directUrl, max: 1 });
  const documents = await fillDocuments(planet, pool, 2).finally(() => pool.end());
  const { cookie } = documents.session;
  const load = (name: string, askers: () => Asker[]): Load => ({
    name,
    unit: "request",
    run: async (seconds) => {
      const { perSecond } = await loadHttp(origin, askers(), seconds);
      return Math.round(perSecond * seconds);
    },
  });
  const page = (path: string, as?: string) => () => connections(() => new PageAsker(path, as));
  let round = 0;
  return [
    load("front page", page("/")),
    load("list of documents", page("/documents", cookie)),
    load("page of a document", page(`/documents/${SHOWN}`, cookie)),
    load("a title saved", () => typing(origin, documents, round++)),
  ];
}

import type pg from "pg";
import { demoSession, type DemoSession } from "@/scripts/drill/demo-session";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { TypedTitleAsker, type Asker } from "./http-askers";
import { CONNECTIONS } from "./http-load";

/** A document that nobody changes. */
export const SHOWN = "bench-0";

/** Of the demo writer, who is signed in. */
export interface Documents {
  session: DemoSession;
  /** Versions of all, by id. */
  clocks: ReadonlyMap<string, Record<string, number>>;
}

/** @param rounds in which titles change: each connection has a document of its own in each, and there is one that is shown */
export async function fillDocuments(
  planet: ChildPlanet,
  pool: pg.Pool,
  rounds: number,
): Promise<Documents> {
  const session = await demoSession(planet, "http-bench");
  const { rows } = await pool.query<{ id: string; clock: Record<string, number> }>(
    `INSERT INTO "Document" (id, title, content, "ownerId")
     SELECT 'bench-' || n, 'Document ' || n, repeat('A line of a text that is not long.' || E'\\n', 15), $2
     FROM generate_series(0, $1::int) n RETURNING id, clock`,
    [CONNECTIONS * rounds, session.userId],
  );
  return { session, clocks: new Map(rows.map(({ id, clock }) => [id, clock])) };
}

export const connections = <T>(open: (index: number) => T): T[] =>
  Array.from({ length: CONNECTIONS }, (_, index) => open(index));

/** Each connection has a document of its own in each round: none starts from a version that it doesn't know. */
export const documentOf = (round: number, index: number): string =>
  `bench-${1 + round * CONNECTIONS + index}`;

/** Titles of a round as they are saved while somebody types. */
export function typing(origin: string, { session, clocks }: Documents, round: number): Asker[] {
  return connections((index) => {
    const id = documentOf(round, index);
    const path = `/api/documents/${id}/title`;
    return new TypedTitleAsker(path, id, origin, session.cookie, clocks.get(id)!);
  });
}

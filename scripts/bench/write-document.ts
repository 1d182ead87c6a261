import { randomBytes } from "node:crypto";
import { readYourWrites, type SessionToken, type TokenOwner } from "@/lib/db/read-your-writes";
import { Runtime } from "@/lib/db/regions/runtime";
import type { DocumentClock, WriteOutcome } from "@/lib/documents/types";
import { check, updateInput } from "@/lib/documents/validation";
import { createDocument, updateDocument } from "@/lib/documents/write";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { openPlanet } from "@/scripts/drill/planet-runtime";
import { fillTwin, TWIN_SCHEMA } from "./plain-twin";
import { HERE, ownEndpoints, type BenchPlanet } from "./setup";
import { compareRounds, median, type BenchRow } from "./statistics";
import { clientOf } from "./write-prisma";

const DOCUMENTS = 200;
const LINES = 10;
const PEER = "Prisma update of the same columns, without triggers";

const OWNER: TokenOwner = { userId: "bench", sessionId: "write-bench" };

interface Edited {
  id: string;
  clock: DocumentClock;
  lines: string[];
}

type Change = { title: string; content?: string };

/**
 * One change after the other through all that the action `updateDocument` calls, below the request and its cookies:
 * its check, the write from a base version with the version that it saves, the session, the receipt and the token.
 */
export async function benchDocumentWrites(bench: BenchPlanet, rounds: number): Promise<BenchRow[]> {
  const holder = globalThis as { meridianRuntime?: Runtime };
  const runtime = await runtimeOn(bench);
  holder.meridianRuntime = runtime;
  const plain = clientOf(ownEndpoints(bench.planet).write, TWIN_SCHEMA);
  try {
    const documents = await createDocuments(bench);
    const action = new SavedDocuments();
    const titles: [number, number][] = [];
    const texts: [number, number][] = [];
    for (let round = 0; round <= rounds; round++) {
      const title = ({ id }: Edited) => ({ title: `Title ${round} of ${id}` });
      const text = (document: Edited) => ({
        title: `Text ${round} of ${document.id}`,
        content: edit(document, round),
      });
      const pairs = [
        await timeBoth(documents, title, action, plain),
        await timeBoth(documents, text, action, plain),
      ] as const;
      if (round === 0) continue; // the first use of each
      titles.push(pairs[0]);
      texts.push(pairs[1]);
    }
    return [
      compareRounds("document action, a title: p50", "ms", PEER, titles, { atMost: 1.1 }),
      compareRounds("document action, title and text: p50", "ms", PEER, texts, { atMost: 1.1 }),
    ];
  } finally {
    delete holder.meridianRuntime;
    await Promise.all([runtime.close(), plain.$disconnect()]);
  }
}

/** The application's, in the source's region and past the proxies of that. */
async function runtimeOn({ planet }: BenchPlanet): Promise<Runtime> {
  const { regions, topology } = openPlanet(planet);
  await Promise.all(regions.map(({ pool }) => pool.end()));
  const own = ownEndpoints(planet);
  return new Runtime(() => ({
    ...topology,
    currentRegion: HERE,
    sessionSecret: randomBytes(24).toString("hex"),
    endpoints: (vantage, region) =>
      vantage === HERE && region === HERE ? own : topology.endpoints(vantage, region),
  }));
}

/** By the application, so that each has its first version; the twin's rows are made of them. */
async function createDocuments({ source }: BenchPlanet): Promise<Edited[]> {
  const documents: Edited[] = [];
  for (let n = 0; n < DOCUMENTS; n++) {
    const lines = Array.from(
      { length: LINES },
      (_, line) => `Line ${line} of a text of some length.`,
    );
    const input = { title: `Document ${n}`, content: lines.join("\n") };
    const { value } = done(await createDocument({ userId: OWNER.userId, vantage: HERE }, input));
    documents.push({ id: value.id, clock: value.clock, lines });
  }
  await fillTwin(source.pool);
  return documents;
}

/** The text with one line of it changed. */
function edit({ id, lines }: Edited, round: number): string {
  lines[round % LINES] =
    `Line ${round % LINES} of a text of some length, as of round ${round} of ${id}.`;
  return lines.join("\n");
}

/** The documents as somebody knows them who has them open, in one session. */
class SavedDocuments {
  private token: SessionToken = { kind: "none" };

  async save(document: Edited, change: Change): Promise<void> {
    const input = check(updateInput, {
      ...change,
      documentId: document.id,
      baseVersion: document.clock,
      saveVersion: true,
    });
    if (!input.ok) throw new Error(input.message);
    const actor = { userId: OWNER.userId, vantage: HERE, token: this.token };
    const { value, open } = done(await updateDocument(actor, input.value));
    this.token = readYourWrites.parseToken(OWNER, readYourWrites.issueToken(OWNER, open));
    document.clock = value.clock;
  }
}

/** A change of each document by the action, then the same ones by Prisma alone. Returns the p50 of both, in ms. */
async function timeBoth(
  documents: readonly Edited[],
  changeOf: (document: Edited) => Change,
  action: SavedDocuments,
  plain: PrismaClient,
): Promise<[number, number]> {
  const changes = documents.map((document) => ({ document, change: changeOf(document) }));
  const own = await timeEach(changes, ({ document, change }) => action.save(document, change));
  const peer = await timeEach(changes, ({ document, change }) =>
    plain.document.update({
      where: { id: document.id },
      data: { ...change, updatedBy: OWNER.userId },
    }),
  );
  return [own, peer];
}

async function timeEach<T>(all: readonly T[], run: (one: T) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (const one of all) {
    const startedMs = performance.now();
    await run(one);
    times.push(performance.now() - startedMs);
  }
  return median(times);
}

function done<T>(outcome: WriteOutcome<T>): Extract<WriteOutcome<T>, { ok: true }> {
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome;
}

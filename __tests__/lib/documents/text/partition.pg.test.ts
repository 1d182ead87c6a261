import * as Y from "yjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { waitFor } from "@/__tests__/support/wait-for";
import type { Runtime } from "@/lib/db/regions/runtime";
import { readDocument } from "@/lib/documents/read";
import { Materialiser } from "@/lib/documents/text/materialiser";
import { readText } from "@/lib/documents/text/read-text";
import { bytesOf, toBase64 } from "@/lib/documents/text/wire";
import type { Actor } from "@/lib/documents/types";
import {
  createDocument,
  sendTextUpdate,
  shareDocument,
  updateDocument,
} from "@/lib/documents/write";

const [US, EU] = ["us-east-1", "eu-west-1"] as const;
const EDITS = 40;

let planet: TestPlanet;
const holder = globalThis as { meridianRuntime?: Runtime };

beforeAll(async () => {
  planet = await startTestPlanet({ count: 2, defaults: MULTI_LEADER });
  holder.meridianRuntime = planet.runtime(US);
  for (const name of ["ada", "bo"]) {
    await planet
      .region(US)
      .pool.query(`INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $2, $1, '')`, [
        name,
        `${name}@example.com`,
      ]);
  }
  await planet.startWorkers();
});
afterAll(async () => {
  delete holder.meridianRuntime;
  await planet.stop();
});

const ada = { userId: "ada", vantage: US } as Actor;
const bo = { userId: "bo", vantage: EU } as Actor;

function links() {
  return [planet.link(US, EU), planet.link(EU, US)].flatMap(({ postgres, redis }) =>
    redis ? [postgres, redis] : [postgres],
  );
}

async function partitioned(act: () => Promise<void>): Promise<void> {
  await Promise.all(links().map((link) => link.cut()));
  try {
    await act();
  } finally {
    await Promise.all(links().map((link) => link.heal()));
  }
}

/** A document of Ada's that Bo can edit, known in both regions. */
async function sharedDocument(content: string) {
  const created = await createDocument(ada, { title: "T", content });
  if (!created.ok) throw new Error(created.message);
  const { id } = created.value;
  await shareDocument(ada, { documentId: id, email: "bo@example.com", role: "editor" });
  await waitForConvergence(planet.regions);
  return created.value;
}

class Editor {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText("content");

  constructor(
    readonly actor: Actor,
    readonly documentId: string,
  ) {}

  async sync(): Promise<string> {
    const stateVector = Y.encodeStateVector(this.doc);
    const news = await readText(this.actor, this.documentId, { marker: "", stateVector });
    Y.applyUpdate(this.doc, bytesOf(news?.update ?? ""));
    return this.text.toString();
  }

  async type(change: (text: Y.Text) => void): Promise<void> {
    const before = Y.encodeStateVector(this.doc);
    change(this.text);
    const update = toBase64(Y.encodeStateAsUpdate(this.doc, before));
    const sent = await sendTextUpdate(this.actor, { documentId: this.documentId, update });
    if (!sent.ok) throw new Error(sent.message);
    expect(sent.receipt.regionId).toBe(this.actor.vantage);
  }
}

const contentIn = async (region: string, id: string) => {
  const sql = `SELECT "content" FROM "Document" WHERE "id" = $1`;
  const { rows } = await planet.region(region).pool.query<{ content: string }>(sql, [id]);
  return rows[0]?.content;
};

describe("a document that is edited on both sides of a partition", () => {
  it("ends with every edit of both, the same text in both regions and in the stored content", async () => {
    const { id } = await sharedDocument("Start.\n");
    const [one, other] = [new Editor(ada, id), new Editor(bo, id)];
    await Promise.all([one.sync(), other.sync()]);
    await partitioned(async () => {
      const side = async (editor: Editor, name: string) => {
        for (let index = 0; index < EDITS; index++) {
          const at = (index * 7) % (editor.text.length + 1);
          await editor.type((text) => text.insert(at, `<${name}${index}>`));
        }
      };
      await Promise.all([side(one, "a"), side(other, "b")]);
      expect(await one.sync()).not.toContain("<b");
    });
    await waitForConvergence(planet.regions);
    const text = await one.sync();
    expect(await other.sync()).toBe(text);
    // Marks that were typed into others are cut in two by them; every letter is there.
    const letters = (value: string) => [...value].sort().join("");
    const typed = ["a", "b"].flatMap((name) =>
      Array.from({ length: EDITS }, (_, index) => `<${name}${index}>`),
    );
    expect(letters(text)).toBe(letters(`Start.\n${typed.join("")}`));
    for (const actor of [ada, bo]) {
      expect((await readDocument(actor, id)).value?.document.content).toBe(text);
    }
    const service = new Materialiser({ store: planet.region(US).pool, intervalMs: 20 });
    const done = service.run();
    await waitFor(
      async () => (await contentIn(US, id)) === text && (await contentIn(EU, id)) === text,
      { what: "both regions to store the text" },
    );
    await service.stop();
    await done;
  });

  it("loses none of 200 edits on each side of 20 documents, cut off for half a minute", async () => {
    const created = await Promise.all(Array.from({ length: 20 }, () => sharedDocument("Start.\n")));
    const sides = [ada, bo].map((actor) => created.map(({ id }) => new Editor(actor, id)));
    await Promise.all(sides.flat().map((editor) => editor.sync()));
    const mark = (side: number, index: number) => `[${side}:${index}]`;
    await partitioned(async () => {
      const untilMs = performance.now() + 30_000;
      const write = async (editors: Editor[], side: number) => {
        for (let index = 0; index < 200; index++) {
          // At the start, where the other side writes too, or at the end.
          await editors[index % 20]?.type((text) =>
            text.insert(index % 3 === 0 ? text.length : 0, mark(side, index)),
          );
        }
      };
      await Promise.all(sides.map(write));
      const left = untilMs - performance.now();
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
    });
    await waitForConvergence(planet.regions, 10_000);
    for (const [row, { id }] of created.entries()) {
      const texts = await Promise.all(
        [ada, bo].map(async (actor) => (await readDocument(actor, id)).value?.document.content),
      );
      expect(texts[0]).toBe(texts[1]);
      for (const side of [0, 1]) {
        for (let index = row; index < 200; index += 20)
          expect(texts[0]).toContain(mark(side, index));
      }
    }
  }, 90_000);

  it("merges forms of both, and keeps every line that either added", async () => {
    const { id, clock } = await sharedDocument("1\n2\n3");
    await partitioned(async () => {
      const save = async (actor: Actor, content: string) => {
        const saved = await updateDocument(actor, { documentId: id, content, baseVersion: clock });
        expect(saved).toMatchObject({ ok: true, value: { flagged: false, conflicts: [] } });
      };
      await Promise.all([save(ada, "1 of Ada\n2\n3"), save(bo, "1\n2\n3 of Bo")]);
    });
    await waitForConvergence(planet.regions);
    for (const actor of [ada, bo]) {
      const page = (await readDocument(actor, id)).value;
      expect(page?.document.content).toBe("1 of Ada\n2\n3 of Bo");
      expect(page?.versions).toBe(3);
    }
    // A third form that began before all of this finds its base, and is told of the same line.
    const late = await updateDocument(bo, {
      documentId: id,
      content: "1 of nobody\n2\n3",
      baseVersion: clock,
    });
    expect(late).toMatchObject({ ok: true, value: { flagged: true } });
    const text = (await readDocument(bo, id)).value?.document.content ?? "";
    for (const line of ["1 of Ada", "1 of nobody", "2", "3 of Bo"]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("seeds a document that plain SQL made once, though both sides do", async () => {
    const { rows } = await planet.region(US).pool.query<{ id: string }>(
      `INSERT INTO "Document" ("title", "content", "ownerId") VALUES ('T', 'By hand', 'ada')
       RETURNING id`,
    );
    const id = rows[0]?.id ?? "";
    await waitForConvergence(planet.regions);
    const inEurope = { ...ada, vantage: bo.vantage };
    const [one, other] = [new Editor(ada, id), new Editor(inEurope, id)];
    await Promise.all([one.sync(), other.sync()]);
    await partitioned(async () => {
      await one.type((text) => text.insert(0, "Not "));
      await other.type((text) => text.insert(7, "!"));
    });
    await waitForConvergence(planet.regions);
    expect(await one.sync()).toBe("Not By hand!");
    expect(await other.sync()).toBe("Not By hand!");
  });
});

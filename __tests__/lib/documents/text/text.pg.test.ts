import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDomain, type TestDomain } from "@/__tests__/lib/documents/domain";
import { readDocument } from "@/lib/documents/read";
import { COMPACT_ABOVE } from "@/lib/documents/text/compaction";
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

let domain: TestDomain;
let owner: Actor;
let viewer: Actor;

beforeAll(async () => {
  domain = await startDomain();
  owner = await domain.addUser("owner");
  viewer = await domain.addUser("viewer");
});
afterAll(() => domain.close());

async function create(content: string, actor = owner) {
  const outcome = await createDocument(actor, { title: "T", content });
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.value;
}

/** An editor that has the text, and its edits as they would be sent. */
async function open(documentId: string, actor = owner) {
  const doc = new Y.Doc();
  const sync = async () => {
    const stateVector = Y.encodeStateVector(doc);
    const news = await readText(actor, documentId, { marker: "", stateVector });
    if (!news?.update) throw new Error("No text");
    Y.applyUpdate(doc, bytesOf(news.update), "remote");
    return news;
  };
  await sync();
  const text = doc.getText("content");
  const edit = (change: (text: Y.Text) => void): string => {
    const before = Y.encodeStateVector(doc);
    change(text);
    return toBase64(Y.encodeStateAsUpdate(doc, before));
  };
  return { doc, text, edit, sync };
}

const noWait = async () => undefined;

const stored = (id: string) =>
  domain.rows<{ content: string; contentHead: string; clock: object }>(
    `SELECT "content", "contentHead", "clock" FROM "Document" WHERE "id" = $1`,
    [id],
  );

describe("an edit of the live editor", () => {
  it("is stored once, however often it is sent, and shows up with the next poll", async () => {
    const { id } = await create("Text");
    const [one, other] = [await open(id), await open(id)];
    const update = one.edit((text) => text.insert(4, ", longer"));
    for (let times = 0; times < 3; times++) {
      expect(await sendTextUpdate(owner, { documentId: id, update })).toMatchObject({
        ok: true,
        value: { clock: { "us-east-1": 2 } },
        receipt: { regionId: "us-east-1" },
      });
    }
    await other.sync();
    expect(other.text.toString()).toBe("Text, longer");
    expect((await stored(id))[0]?.content).toBe("Text, longer");
    expect((await readDocument(owner, id)).value?.document.content).toBe("Text, longer");
    expect((await readDocument(owner, id)).value?.versions).toBe(1);
  });

  it("that came from another region is saved with a mark of its own", async () => {
    const { id } = await create("Text");
    const editor = await open(id);
    const first = editor.edit((text) => text.insert(4, ", longer"));
    expect((await sendTextUpdate(owner, { documentId: id, update: first })).ok).toBe(true);
    // As if the first had been taken elsewhere, and the document had been renamed before it came here.
    await domain.rows(`UPDATE "Document" SET "title" = 'Renamed' WHERE "id" = $1`, [id]);
    const [before] = await domain.rows<{ position: string }>(
      `SELECT "position" FROM "Document" WHERE "id" = $1`,
      [id],
    );
    const known = toBase64(Y.encodeStateAsUpdate(editor.doc));
    const sent = await sendTextUpdate(owner, { documentId: id, update: known });
    if (!sent.ok) throw new Error(sent.message);
    const mark = BigInt(sent.receipt.applied["us-east-1"]!);
    expect(mark).toBeGreaterThan(BigInt(before!.position));
    const rows = await domain.rows<{ position: string }>(
      `SELECT "position" FROM "DocumentUpdate" WHERE "documentId" = $1 AND "position" = $2`,
      [id, mark],
    );
    expect(rows).toHaveLength(1);
  });

  it("of a document that plain SQL made comes with the document's first update", async () => {
    const id = randomUUID();
    await domain.rows(
      `INSERT INTO "Document" ("id", "title", "content", "ownerId") VALUES ($1, 'T', 'By hand', $2)`,
      [id, owner.userId],
    );
    const editor = await open(id);
    const update = editor.edit((text) => text.insert(0, "Not "));
    expect((await sendTextUpdate(owner, { documentId: id, update })).ok).toBe(true);
    expect((await readDocument(owner, id)).value?.document.content).toBe("Not By hand");
  });

  it("says nothing new where nothing is, to whoever may read it", async () => {
    const { id } = await create("Text");
    const { sync } = await open(id);
    const { marker } = await sync();
    const news = await readText(owner, id, { marker, stateVector: null });
    expect(news).toMatchObject({ marker, access: "owner", regionId: "us-east-1" });
    expect(news).not.toHaveProperty("update");
    expect(await readText(viewer, id, { marker, stateVector: null })).toBeNull();
    const hostile = Uint8Array.from([255, 255, 255, 255]);
    expect((await readText(owner, id, { marker: "", stateVector: hostile }))?.update).toBeDefined();
  });

  it("loses nothing when many are sent at once, and the stored text follows", async () => {
    const { id } = await create("");
    const editors = await Promise.all(Array.from({ length: 6 }, () => open(id)));
    await Promise.all(
      editors.map(async ({ edit }, index) => {
        for (let line = 0; line < 5; line++) {
          const update = edit((text) => text.insert(text.length, `[${index}.${line}]`));
          expect((await sendTextUpdate(owner, { documentId: id, update })).ok).toBe(true);
        }
      }),
    );
    const text = (await readDocument(owner, id)).value?.document.content ?? "";
    for (let index = 0; index < 6; index++) {
      for (let line = 0; line < 5; line++) expect(text).toContain(`[${index}.${line}]`);
    }
    await new Materialiser({ store: domain.stores.regions[0]!.pool }).look();
    expect((await stored(id))[0]?.content).toBe(text);
  });
});

describe("what is no edit", () => {
  it("is refused and leaves the document as it was", async () => {
    const { id } = await create("Text");
    const share = { documentId: id, email: "viewer@example.com", role: "viewer" as const };
    await shareDocument(owner, share);
    const editor = await open(id);
    const good = editor.edit((text) => text.insert(0, "x"));
    const before = JSON.stringify(await stored(id));
    const count = await domain.count("DocumentUpdate");
    const send = (actor: Actor, update: unknown) =>
      sendTextUpdate(actor, { documentId: id, update }, noWait);
    const doc = new Y.Doc();
    doc.getMap("other").set("a", 1);
    for (const update of [null, 7, {}, "", "%%%", good.slice(0, 8), "A".repeat(2 ** 20)]) {
      expect(await send(owner, update)).toMatchObject({ ok: false, code: "invalid" });
    }
    // Nothing at all is no fault, and writes nothing.
    expect((await send(owner, "AAA=")).ok).toBe(true);
    const foreign = toBase64(Y.encodeStateAsUpdate(doc));
    expect(await send(owner, foreign)).toMatchObject({ ok: false, code: "invalid" });
    editor.edit((text) => text.insert(1, "unsent"));
    const orphan = editor.edit((text) => text.insert(2, "y"));
    expect(await send(owner, orphan)).toMatchObject({ ok: false, code: "behind" });
    expect(await send(viewer, good)).toMatchObject({ ok: false, code: "forbidden" });
    const stranger = { ...viewer, userId: "nobody" };
    expect(await send(stranger, good)).toMatchObject({ ok: false, code: "not-found" });
    expect(JSON.stringify(await stored(id))).toBe(before);
    expect(await domain.count("DocumentUpdate")).toBe(count);
  });
});

describe("many updates", () => {
  it("are joined into a snapshot, and an open form still finds its base", async () => {
    const { id } = await create("Start\n");
    const editor = await open(id);
    const lines = COMPACT_ABOVE + 5;
    let recent: Record<string, number> = {};
    for (let line = 0; line < lines; line++) {
      const update = editor.edit((text) => text.insert(text.length, `${line}\n`));
      const sent = await sendTextUpdate(owner, { documentId: id, update });
      if (!sent.ok) throw new Error(sent.message);
      if (line === lines - 50) recent = sent.value.clock;
    }
    const live = await domain.rows<{ isSnapshot: boolean }>(
      `SELECT "isSnapshot" FROM "DocumentUpdate" WHERE "documentId" = $1 AND "deletedAt" IS NULL`,
      [id],
    );
    expect(live.length).toBeLessThan(COMPACT_ABOVE);
    expect(live.filter(({ isSnapshot }) => isSnapshot)).toHaveLength(1);
    const text = editor.text.toString();
    expect((await readDocument(owner, id)).value?.document.content).toBe(text);
    const shown = text
      .split("\n")
      .slice(0, lines - 50 + 2)
      .join("\n");
    const form = await updateDocument(owner, {
      documentId: id,
      content: `${shown.replace("Start", "Begin")}\n`,
      baseVersion: recent,
    });
    expect(form).toMatchObject({ ok: true, value: { merged: true, flagged: false } });
    const expected = text.replace("Start", "Begin");
    expect((await readDocument(owner, id)).value?.document.content).toBe(expected);
  });
});

describe("the materialiser", () => {
  it("writes the text down where the stored content is behind, once, and only as the leader", async () => {
    const { id } = await create("One.");
    const store = domain.stores.regions[0]!.pool;
    const materialiser = new Materialiser({ store });
    await materialiser.look();
    const { edit } = await open(id);
    const update = Buffer.from(bytesOf(edit((text) => text.insert(4, " Two."))));
    // As if another writer's text, made without this update, had been stored after it.
    await domain.rows(
      `WITH d AS (UPDATE "Document" SET "contentHead" = 'late', "content" = 'One.' WHERE "id" = $1
         RETURNING *)
       INSERT INTO "DocumentUpdate" ("documentId", "update", "documentClock", "authorId")
       SELECT $1, $2, "clock", 'x' FROM d`,
      [id, update],
    );
    expect((await readDocument(owner, id)).value?.document.content).toBe("One. Two.");
    const other = new Materialiser({ store: domain.stores.regions[1]!.pool });
    expect(await other.look()).toBe(0);
    expect(await materialiser.look()).toBe(1);
    const [first] = await stored(id);
    expect(first?.content).toBe("One. Two.");
    expect(await materialiser.look()).toBe(0);
    // One that starts later looks at all of them.
    expect(await new Materialiser({ store }).look()).toBe(0);
    expect(await stored(id)).toEqual([first]);
  });

  it("runs until it is stopped", async () => {
    const { id } = await create("A");
    const waits: (() => void)[] = [];
    const service = new Materialiser({
      store: domain.stores.regions[0]!.pool,
      sleep: (_, signal) =>
        new Promise((resolve) => {
          waits.push(resolve);
          signal?.addEventListener("abort", () => resolve(), { once: true });
        }),
    });
    const done = service.run();
    waits[0]?.();
    await service.stop();
    await done;
    expect((await stored(id))[0]?.content).toBe("A");
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusedAs, startDomain, written, type TestDomain } from "@/__tests__/lib/documents/domain";
import { seedUpdate } from "@/lib/documents/text/seed-update";
import { readDocument, readDocuments, readHistory } from "@/lib/documents/read";
import type { Actor, DocumentRow, Refused } from "@/lib/documents/types";
import {
  createDocument,
  deleteDocument,
  shareDocument,
  unshareDocument,
  updateDocument,
} from "@/lib/documents/write";

let domain: TestDomain;
let owner: Actor;
let editor: Actor;
let viewer: Actor;
let stranger: Actor;

beforeAll(async () => {
  domain = await startDomain();
  owner = await domain.addUser("owner");
  editor = await domain.addUser("editor");
  viewer = await domain.addUser("viewer");
  stranger = await domain.addUser("stranger");
});
afterAll(() => domain.close());

async function sharedDocument(): Promise<DocumentRow> {
  const { value } = written(await createDocument(owner, { title: "Shared", content: "First" }));
  for (const role of ["editor", "viewer"] as const) {
    const share = { documentId: value.id, email: `${role}@example.com`, role };
    written(await shareDocument(owner, share));
  }
  return value;
}

const rows = async () => [await domain.count("Document"), await domain.count("DocumentVersion")];

describe("writing", () => {
  it("creates the document and its first version in the nearest region, with a receipt", async () => {
    const before = await rows();
    const outcome = written(await createDocument(owner, { title: "T", content: "C" }));
    expect(outcome.value).toMatchObject({
      title: "T",
      content: "C",
      origin: "us-east-1",
      clock: { "us-east-1": 1 },
    });
    expect(outcome.receipt).toMatchObject({
      kind: "write",
      regionId: "us-east-1",
      reason: "nearest",
      redirected: false,
      applied: { "us-east-1": outcome.value.position },
    });
    expect(outcome.open.get("us-east-1" as never)).toBe(BigInt(outcome.value.position));
    expect(await rows()).toEqual(before.map((count) => count + 1));
  });

  it("counts a change in the clock and keeps what was before in the history", async () => {
    const created = written(await createDocument(owner, { title: "Old", content: "Old text" }));
    const updated = written(
      await updateDocument(owner, {
        documentId: created.value.id,
        content: "New text",
        baseVersion: created.value.clock,
      }),
    );
    expect(updated.value).toMatchObject({
      title: "Old",
      content: "New text",
      clock: { "us-east-1": 2 },
    });
    const history = await readHistory(owner, created.value.id);
    expect(history.value?.versions.map((version) => version.content)).toEqual([
      "New text",
      "Old text",
    ]);
    expect(history.value?.versions[0]).toMatchObject({
      author: { name: "owner" },
      regionId: "us-east-1",
    });
  });

  it("merges a stale base version where other lines were changed", async () => {
    const content = "One\nTwo\nThree";
    const { value } = written(await createDocument(owner, { title: "T", content }));
    const change = { documentId: value.id, baseVersion: value.clock };
    written(await updateDocument(owner, { ...change, content: "One\nTwo\n3" }));
    const merged = written(await updateDocument(owner, { ...change, content: "1\nTwo\nThree" }));
    expect(merged.value).toMatchObject({
      content: "1\nTwo\n3",
      merged: true,
      flagged: false,
      conflicts: [],
      clock: { "us-east-1": 3 },
    });
  });

  it("keeps and flags both texts where the same line was changed", async () => {
    const { value } = written(await createDocument(owner, { title: "T", content: "One" }));
    const change = { documentId: value.id, baseVersion: value.clock };
    written(await updateDocument(owner, { ...change, content: "Two" }));
    const flagged = written(await updateDocument(owner, { ...change, content: "Three" }));
    expect(flagged.value).toMatchObject({ merged: true, flagged: true });
    expect(flagged.value.content).toBe("<<<<<<< current\nTwo\n=======\nThree\n>>>>>>> yours");
    const [conflict] = await domain.rows<{ versions: { value: string; won: boolean }[] }>(
      `SELECT * FROM "Conflict" WHERE "id" = $1`,
      [flagged.value.conflicts[0]],
    );
    expect(conflict).toMatchObject({
      entityType: "Document",
      entityId: value.id,
      field: "content",
      strategy: "text",
      outcome: "open",
      versions: [
        { value: "Two", author: owner.userId, clock: { "us-east-1": 2 }, won: true },
        { value: "Three", author: owner.userId, clock: { "us-east-1": 3 }, won: false },
      ],
    });
  });

  it("leaves a title alone that the change does not name, and records one that both changed", async () => {
    const { value } = written(await createDocument(owner, { title: "Old", content: "C" }));
    const change = { documentId: value.id, baseVersion: value.clock };
    written(await updateDocument(owner, { ...change, title: "First" }));
    const text = written(await updateDocument(owner, { ...change, content: "C, changed" }));
    expect(text.value).toMatchObject({ title: "First", conflicts: [], flagged: false });
    const second = written(await updateDocument(owner, { ...change, title: "Second" }));
    expect(second.value.title).toBe("Second");
    expect(second.value.conflicts).toHaveLength(1);
    const recorded = await domain.rows<{ versions: { value: string }[] }>(
      `SELECT * FROM "Conflict" WHERE "id" = ANY ($1)`,
      [second.value.conflicts],
    );
    expect(recorded[0]).toMatchObject({ field: "title", outcome: "resolved" });
    expect(recorded[0]?.versions.map((version) => version.value)).toEqual(["Second", "First"]);
  });

  it("keeps both summaries until somebody chooses", async () => {
    const { value } = written(await createDocument(owner, { title: "T", content: "C" }));
    const change = { documentId: value.id, baseVersion: value.clock };
    written(await updateDocument(owner, { ...change, summary: "One" }));
    const other = written(await updateDocument(owner, { ...change, summary: "Other" }));
    expect(other.value.conflicts).toHaveLength(1);
    const chosen = written(
      await updateDocument(owner, { ...change, baseVersion: other.value.clock, summary: "Both" }),
    );
    expect(chosen.value).toMatchObject({ summary: "Both", conflicts: [] });
  });

  it("takes every one of many writers with the same base version", async () => {
    const { value } = written(await createDocument(owner, { title: "T", content: "Start" }));
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        updateDocument(owner, {
          documentId: value.id,
          content: `Writer ${index}`,
          baseVersion: value.clock,
        }),
      ),
    );
    const flags = outcomes.map((outcome) => written(outcome).value.flagged);
    expect(flags.filter((flagged) => !flagged)).toHaveLength(1);
    const page = (await readDocument(owner, value.id)).value;
    for (let index = 0; index < 8; index++) {
      expect(page?.document.content).toContain(`Writer ${index}`);
    }
    expect(page?.versions).toBe(9);
    const stored = await domain.rows<{ content: string }>(
      `SELECT "content" FROM "Document" WHERE "id" = $1`,
      [value.id],
    );
    expect(stored[0]?.content).toBe(page?.document.content);
  });

  it("refuses with what is there now where the base version can't be told any more", async () => {
    const { value } = written(await createDocument(owner, { title: "T", content: "One" }));
    const step = (content: string, baseVersion: DocumentRow["clock"]) =>
      updateDocument(owner, { documentId: value.id, content, baseVersion });
    const second = written(await step("Two", value.clock));
    await domain.rows(`UPDATE "DocumentUpdate" SET "deletedAt" = now() WHERE "documentId" = $1`, [
      value.id,
    ]);
    await domain.rows(`UPDATE "DocumentVersion" SET "deletedAt" = now() WHERE "documentId" = $1`, [
      value.id,
    ]);
    await domain.rows(
      `INSERT INTO "DocumentUpdate" ("documentId", "update", "documentClock", "isSnapshot", "authorId")
       VALUES ($1, $2, $3, true, 'x')`,
      [value.id, Buffer.from(seedUpdate(value.id, "Two").update), second.value.clock],
    );
    const before = await rows();
    const refusal = refusedAs(await step("Three", value.clock));
    expect(refusal.code).toBe("conflict");
    expect(refusal.current).toMatchObject({ content: "Two", clock: { "us-east-1": 2 } });
    expect(await rows()).toEqual(before);
  });

  it("says behind, not conflict, for a base version that no region has", async () => {
    const { value } = written(await createDocument(owner, { title: "T", content: "C" }));
    const baseVersion = { ...value.clock, "eu-west-1": 1 };
    const change = { documentId: value.id, content: "X", baseVersion };
    const refusal = refusedAs(await updateDocument(owner, change, async () => undefined));
    expect(refusal.code).toBe("behind");
  });
});

describe("authorisation", () => {
  it("lets owner and editor change, the viewer read, and the stranger nothing", async () => {
    const document = await sharedDocument();
    for (const reader of [owner, editor, viewer]) {
      expect((await readDocument(reader, document.id)).value?.document.content).toBe("First");
    }
    expect((await readDocument(stranger, document.id)).value).toBeNull();
    expect((await readHistory(stranger, document.id)).value).toBeNull();

    const change = { documentId: document.id, content: "X", baseVersion: document.clock };
    expect(refusedAs(await updateDocument(viewer, change)).code).toBe("forbidden");
    expect(refusedAs(await updateDocument(stranger, change)).code).toBe("not-found");
    expect(written(await updateDocument(editor, change)).value.content).toBe("X");
  });

  it("leaves deleting and sharing to the owner", async () => {
    const { id } = await sharedDocument();
    const share = { documentId: id, email: "stranger@example.com", role: "editor" as const };
    for (const other of [editor, viewer]) {
      expect(refusedAs(await deleteDocument(other, id)).code).toBe("forbidden");
      expect(refusedAs(await shareDocument(other, share)).code).toBe("forbidden");
      expect((await readDocument(other, id)).value?.collaborators).toEqual([]);
    }
    expect(refusedAs(await deleteDocument(stranger, id)).code).toBe("not-found");
    expect(refusedAs(await shareDocument(stranger, share)).code).toBe("not-found");
    written(await deleteDocument(owner, id));
    expect((await readDocument(owner, id)).value).toBeNull();
  });

  it("answers for an unknown, a deleted and someone else's document alike", async () => {
    const gone = written(await createDocument(owner, { title: "T", content: "C" })).value;
    written(await deleteDocument(owner, gone.id));
    const foreign = written(await createDocument(owner, { title: "T", content: "C" })).value;
    const before = await rows();
    const refusals: Refused[] = [];
    for (const documentId of [foreign.id, gone.id, "no-such-id"]) {
      const change = { documentId, content: "X", baseVersion: foreign.clock };
      const actor = documentId === foreign.id ? stranger : owner;
      refusals.push(
        refusedAs(await updateDocument(actor, change)),
        refusedAs(await deleteDocument(actor, documentId)),
        refusedAs(
          await shareDocument(actor, { documentId, email: "viewer@example.com", role: "viewer" }),
        ),
        refusedAs(await unshareDocument(actor, { documentId, userId: viewer.userId })),
      );
    }
    for (const refusal of refusals) expect(refusal).toEqual(refusals[0]);
    expect(await rows()).toEqual(before);
  });

  it("takes a role away again, and lets a collaborator leave", async () => {
    const { id, clock } = await sharedDocument();
    const remove = (actor: Actor, person: Actor) =>
      unshareDocument(actor, { documentId: id, userId: person.userId });
    expect(refusedAs(await remove(viewer, editor)).code).toBe("forbidden");
    written(await remove(owner, editor));
    const change = { documentId: id, content: "X", baseVersion: clock };
    expect(refusedAs(await updateDocument(editor, change)).code).toBe("not-found");
    written(await remove(viewer, viewer));
    expect((await readDocument(viewer, id)).value).toBeNull();
    expect(refusedAs(await remove(owner, editor)).message).toMatch(/not a collaborator/);
  });

  it("keeps one row per person, whatever the order of sharing and removing", async () => {
    const { value } = written(await createDocument(owner, { title: "T", content: "C" }));
    const share = { documentId: value.id, email: "viewer@example.com" };
    written(await shareDocument(owner, { ...share, role: "viewer" }));
    written(await unshareDocument(owner, { documentId: value.id, userId: viewer.userId }));
    written(await shareDocument(owner, { ...share, role: "editor" }));
    const page = (await readDocument(owner, value.id)).value;
    expect(page?.collaborators).toEqual([
      { userId: viewer.userId, name: "viewer", email: "viewer@example.com", role: "editor" },
    ]);
  });

  it("does not share with nobody or with oneself", async () => {
    const { value } = written(await createDocument(owner, { title: "T", content: "C" }));
    const share = { documentId: value.id, role: "viewer" as const };
    const before = await domain.count("Collaborator");
    const nobody = refusedAs(await shareDocument(owner, { ...share, email: "no@example.com" }));
    expect(nobody.fields?.email).toMatch(/Nobody/);
    const self = refusedAs(await shareDocument(owner, { ...share, email: "owner@example.com" }));
    expect(self.message).toMatch(/own this document/);
    expect(await domain.count("Collaborator")).toBe(before);
  });
});

describe("lists", () => {
  it("shows own and shared documents once, and no one else's", async () => {
    const reader = await domain.addUser("reader");
    const shared = written(await createDocument(owner, { title: "Shared", content: "C" })).value;
    const share = { documentId: shared.id, email: "reader@example.com", role: "viewer" as const };
    written(await shareDocument(owner, share));
    const own = written(await createDocument(reader, { title: "Own", content: "C" })).value;
    const { value, receipt } = await readDocuments(reader);
    expect(value.items.map(({ id, access }) => [id, access])).toEqual([
      [own.id, "owner"],
      [shared.id, "viewer"],
    ]);
    expect(receipt.kind).toBe("read");
  });
});

describe("hostile text", () => {
  const HOSTILE = [
    `'; DROP TABLE "Document"; --`,
    `" OR 1=1 --`,
    "$1 ${process.env.AUTH_SECRET} %s \\",
    `<script>alert("x")</script><img src=x onerror=alert(1)>`,
    "' || pg_sleep(10) || '",
    "\u202eright-to-left, \u200b zero width, 🧭 and \ufffd",
  ];

  it("is stored as it came in every field", async () => {
    for (const text of HOSTILE) {
      const created = written(await createDocument(owner, { title: text, content: text }));
      const updated = written(
        await updateDocument(owner, {
          documentId: created.value.id,
          title: `${text}!`,
          content: `${text}!`,
          baseVersion: created.value.clock,
        }),
      );
      expect(updated.value).toMatchObject({ title: `${text}!`, content: `${text}!` });
      const page = (await readDocument(owner, created.value.id)).value;
      expect(page?.document).toMatchObject({ title: `${text}!`, content: `${text}!` });
    }
  });

  it("finds and writes nothing as an id, an address or an actor", async () => {
    const before = [...(await rows()), await domain.count("Collaborator")];
    for (const text of HOSTILE) {
      const baseVersion = { [text]: 1 };
      const change = { documentId: text, content: "X", baseVersion };
      expect(refusedAs(await updateDocument(owner, change)).code).toBe("not-found");
      expect(refusedAs(await deleteDocument(owner, text)).code).toBe("not-found");
      expect((await readDocument(owner, text)).value).toBeNull();
      expect((await readDocuments({ ...owner, userId: text })).value.items).toEqual([]);
    }
    expect([...(await rows()), await domain.count("Collaborator")]).toEqual(before);
  });
});

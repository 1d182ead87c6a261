import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDomain, type TestDomain } from "@/__tests__/lib/documents/domain";
import { readConflict, readConflicts, readDocumentConflicts } from "@/lib/conflicts/read";
import { resolveConflict } from "@/lib/conflicts/resolve";
import type { ConflictReader } from "@/lib/conflicts/types";
import { attemptWrite } from "@/lib/db/conflicts/attempt-write";
import { ConflictRetention } from "@/lib/db/conflicts/conflict-retention";
import { CustomResolver } from "@/lib/db/conflicts/custom-resolver";
import { declaredStrategy } from "@/lib/db/conflicts/declared-strategy";
import { multiRegionDb } from "@/lib/db/multi-region-config";
import type { Actor } from "@/lib/documents/types";
import { createDocument } from "@/lib/documents/write";

const US = "us-east-1";

let domain: TestDomain;
let owner: ConflictReader;
let editor: Actor;
let stranger: ConflictReader;
let admin: ConflictReader;

beforeAll(async () => {
  domain = await startDomain();
  owner = { ...(await domain.addUser("owner")), admin: false };
  editor = await domain.addUser("editor");
  stranger = { ...(await domain.addUser("stranger")), admin: false };
  admin = { ...(await domain.addUser("admin")), admin: true };
});
afterAll(() => domain.close());

const db = () => multiRegionDb.from(owner.vantage).getWriteClient(US);

async function write(id: string, clock: object, changes: Record<string, string>, userId: string) {
  const outcome = await attemptWrite(
    { entityType: "Document", entityId: id, changes, baseVersion: { ...clock } as never, userId },
    { db: db(), regionId: US, declared: declaredStrategy },
  );
  if (outcome.kind !== "written") throw new Error(outcome.kind);
  return outcome;
}

/** A document that two people changed without knowing of each other. */
async function contested(field: "title" | "summary", title = "Plans") {
  const created = await createDocument(owner, { title, content: "Text" });
  if (!created.ok) throw new Error(created.message);
  const { id, clock } = created.value;
  await write(id, clock, { [field]: "The owner's" }, owner.userId);
  const { conflicts } = await write(id, clock, { [field]: "The editor's" }, editor.userId);
  const [conflict] = conflicts;
  if (!conflict) throw new Error("No conflict");
  return { documentId: id, conflictId: conflict.id };
}

const ids = async (reader: ConflictReader, filter = {}) =>
  (await readConflicts(reader, filter)).value.items.map(({ id }) => id);

describe("who sees what", () => {
  it("shows an owner those of their documents, an administrator all, and others none", async () => {
    const { documentId, conflictId } = await contested("summary");
    expect(await ids(owner)).toContain(conflictId);
    expect(await ids(admin)).toContain(conflictId);
    const asEditor = { ...editor, admin: false };
    for (const other of [stranger, asEditor]) {
      expect(await ids(other)).toEqual([]);
      expect((await readConflict(other, conflictId)).value).toBeNull();
      expect(await resolveConflict(other, { id: conflictId, take: 0 })).toMatchObject({
        ok: false,
        code: "not-found",
      });
    }
    const page = await readDocumentConflicts(owner, documentId);
    expect(page.value.items).toMatchObject([{ id: conflictId, document: { title: "Plans" } }]);
    expect((await readDocumentConflicts(stranger, documentId)).value.items).toEqual([]);
  });

  it("names authors, and joins the clocks of all that it shows", async () => {
    const { conflictId } = await contested("summary");
    const { value } = await readConflict(owner, conflictId);
    expect(value?.versions).toMatchObject([
      { value: "The editor's", won: true, author: { name: "editor" }, origin: US },
      { value: "The owner's", won: false, author: { name: "owner" } },
    ]);
    expect(value?.current?.versions).toHaveLength(2);
    expect(value?.shown).toEqual({ [US]: 3 });
  });

  it("never shows a password's hash, even of a row that was recorded with one", async () => {
    const value = { name: "Eve", passwordHash: "secret" };
    const version = { value, clock: {}, hlc: "1", origin: US, count: 1, author: null, won: true };
    await db().conflict.create({
      data: {
        id: "of-a-user",
        entityType: "User",
        entityId: owner.userId,
        field: "*",
        strategy: "last-write-wins",
        outcome: "resolved",
        versions: [version, { ...version, won: false }],
      },
    });
    const answer = JSON.stringify((await readConflict(admin, "of-a-user")).value);
    expect(answer).toContain("Eve");
    expect(answer).not.toContain("secret");
    expect((await readConflict(owner, "of-a-user")).value).toBeNull();
  });
});

describe("the list", () => {
  it("filters by status, kind and id, counts all, and goes on page by page", async () => {
    const open = await contested("summary");
    const automatic = await contested("title");
    expect(await ids(admin, { status: "open" })).toContain(open.conflictId);
    expect(await ids(admin, { status: "open" })).not.toContain(automatic.conflictId);
    expect(await ids(admin, { status: "automatic" })).toContain(automatic.conflictId);
    expect(await ids(admin, { search: open.documentId })).toEqual([open.conflictId]);
    expect(await ids(admin, { search: open.conflictId.slice(0, 20) })).toEqual([open.conflictId]);
    expect(await ids(admin, { entityType: "Collaborator" })).toEqual([]);

    const all = await ids(admin);
    const { counts } = (await readConflicts(admin)).value;
    expect(counts.open + counts.automatic + counts.decided).toBe(all.length);
    const paged: string[] = [];
    let before: { detectedAt: string; id: string } | undefined;
    do {
      const { items, next } = (await readConflicts(admin, { limit: 2, before })).value;
      paged.push(...items.map(({ id }) => id));
      before = next ?? undefined;
    } while (before);
    expect(paged).toEqual(all);
  });
});

describe("deciding", () => {
  it("writes what was chosen, closes the conflict, and says who decided", async () => {
    const { documentId, conflictId } = await contested("summary");
    const { value } = await readConflict(owner, conflictId);
    const outcome = await resolveConflict(owner, {
      id: conflictId,
      take: 1,
      shown: value?.shown,
    });
    expect(outcome).toMatchObject({
      ok: true,
      value: { choice: "restored" },
      receipt: { kind: "write", regionId: US },
    });
    expect((await db().document.findUnique({ where: { id: documentId } }))?.summary).toBe(
      "The owner's",
    );
    expect((await readConflict(owner, conflictId)).value).toMatchObject({
      status: "decided",
      decision: { choice: "restored", by: { name: "owner" }, value: "The owner's" },
    });
  });

  it("refuses a decision that did not know of what is there now, and shows that", async () => {
    const { documentId, conflictId } = await contested("summary");
    const { value } = await readConflict(owner, conflictId);
    const shown = value?.shown ?? {};
    await write(documentId, shown, { summary: "Later" }, editor.userId);
    const stale = await resolveConflict(owner, { id: conflictId, take: 0, shown });
    expect(stale).toMatchObject({
      ok: false,
      code: "stale",
      state: { versions: [{ value: "Later" }] },
    });
    // Who wrote that had seen all versions of the record: it leaves nothing to choose from.
    expect((await readConflict(owner, conflictId)).value?.status).toBe("automatic");
  });

  it("holds an edited value to the limits of the field", async () => {
    const { conflictId } = await contested("title");
    for (const value of ["", " ", "x".repeat(300)]) {
      const outcome = await resolveConflict(owner, { id: conflictId, choice: "edited", value });
      expect(outcome).toMatchObject({ ok: false, code: "invalid" });
    }
    const outcome = await resolveConflict(admin, {
      id: conflictId,
      choice: "edited",
      value: "A title of both",
    });
    expect(outcome.ok).toBe(true);
  });

  it("says behind, not decided, where no region has all that was shown", async () => {
    const { conflictId } = await contested("summary");
    const shown = { [US]: 3, "eu-west-1": 7 };
    const outcome = await resolveConflict(
      owner,
      { id: conflictId, take: 0, shown },
      async () => undefined,
    );
    expect(outcome).toMatchObject({ ok: false, code: "behind" });
    expect((await readConflict(owner, conflictId)).value?.status).toBe("open");
  });
});

describe("the leading region's services", () => {
  const DAYS = 90;
  const pool = (id: string) => {
    const region = domain.stores.regions.find((entry) => entry.id === id);
    if (!region) throw new Error(id);
    return region.pool;
  };

  it("forgets settled conflicts after the time, and never open ones", async () => {
    const open = await contested("summary");
    const automatic = await contested("title");
    const decided = await contested("summary");
    const fresh = await contested("title");
    await resolveConflict(owner, { id: decided.conflictId, take: 0 });
    const old = [open, automatic, decided].map(({ conflictId }) => conflictId);
    const retention = new ConflictRetention(pool(US), DAYS);
    await pool(US).query(
      `UPDATE "Conflict" SET "detectedAt" = now() - interval '91 days' WHERE id = ANY ($1)`,
      [old],
    );
    expect(await retention.forget()).toBe(1);
    expect(await ids(admin)).not.toContain(automatic.conflictId);
    // Decided only now, however long ago it was noticed.
    expect(await ids(admin)).toContain(decided.conflictId);
    await pool(US).query(
      `UPDATE "ConflictResolution" SET "resolvedAt" = now() - interval '91 days' WHERE id = $1`,
      [decided.conflictId],
    );
    expect(await retention.forget()).toBe(1);
    const left = await ids(admin);
    expect(left).not.toContain(decided.conflictId);
    expect(left).toContain(open.conflictId);
    expect(left).toContain(fresh.conflictId);
    const { rows } = await pool(US).query<{ gone: boolean }>(
      `SELECT "deletedAt" IS NOT NULL AS gone FROM "ConflictResolution" WHERE id = $1`,
      [decided.conflictId],
    );
    expect(rows).toEqual([{ gone: true }]);
    expect(await retention.forget()).toBe(0);
  });

  it("does nothing in a region that does not lead", async () => {
    const eu = pool("eu-west-1");
    await eu.query(
      `INSERT INTO "Conflict" (id, "entityType", "entityId", field, strategy, outcome, versions, "detectedAt")
       VALUES ('old', 'Document', 'd', 'title', 'last-write-wins', 'resolved', '[]', now() - interval '1 year')`,
    );
    expect(await new ConflictRetention(eu, DAYS).forget()).toBe(0);
    const there = multiRegionDb.from(owner.vantage).getWriteClient("eu-west-1");
    const resolver = new CustomResolver(() => there, { "Document.title": () => "x" });
    expect(await resolver.resolveAll()).toBe(0);
  });

  it("runs a custom strategy on what is open, and leaves the rest to people", async () => {
    const custom = await contested("summary");
    const manual = await contested("summary");
    await db().conflict.update({
      where: { id: custom.conflictId },
      data: { strategy: "custom" },
    });
    const failing = new CustomResolver(db, {
      "Document.summary": () => {
        throw new Error("A fault of the function");
      },
    });
    expect(await failing.resolveAll()).toBe(0);
    const resolver = new CustomResolver(db, {
      "Document.summary": (versions) => versions.map(({ value }) => String(value)).join(" + "),
    });
    expect(await resolver.resolveAll()).toBe(1);
    expect(await resolver.resolveAll()).toBe(0);
    const document = await db().document.findUnique({ where: { id: custom.documentId } });
    expect(document?.summary).toBe("The editor's + The owner's");
    expect((await readConflict(admin, custom.conflictId)).value).toMatchObject({
      status: "decided",
      decision: { choice: "computed", by: { userId: "strategy" } },
    });
    expect((await readConflict(admin, manual.conflictId)).value?.status).toBe("open");
  });
});

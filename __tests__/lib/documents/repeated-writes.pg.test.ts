import { testStores } from "@/__tests__/support/stores";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDomain, type TestDomain } from "./domain";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { OptionalRedis } from "@/lib/db/redis";
import type { Actor } from "@/lib/db/regions/region-id";
import { SessionMirror } from "@/lib/db/sessions/mirror";
import { toPosition } from "@/lib/db/sessions/positions";
import {
  insertDocument,
  tombstoneCollaborator,
  tombstoneDocument,
  upsertCollaborator,
} from "@/lib/documents/statements";
import { makeUpdate } from "@/lib/documents/text/edit-text";
import { seedUpdate } from "@/lib/documents/text/seed-update";
import { writeText, type TextWrite } from "@/lib/documents/text/text-statements";

const US = "us-east-1" as RegionId;

describe("a write whose first attempt arrived before the second", () => {
  let domain: TestDomain;
  beforeAll(async () => {
    domain = await startDomain();
  });
  afterAll(() => domain.close());

  it("is the same write", async () => {
    const db = multiRegionDb.from(US).getWriteClient(US);
    const documentId = randomUUID();
    const create = { documentId, versionId: randomUUID(), userId: "u", regionId: US };
    const created = await insertDocument(db, { ...create, title: "t", content: "c" });
    expect(await insertDocument(db, { ...create, title: "t", content: "c" })).toEqual(created);

    const made = makeUpdate([seedUpdate(documentId, "c").update], "new");
    const write: TextWrite = {
      userId: "u",
      regionId: US,
      documentId,
      change: { id: "one", update: made.update ?? made.whole, content: made.text },
      seed: null,
      snapshot: null,
      conflict: null,
      version: { id: randomUUID(), content: made.text },
      base: created.clock,
      guard: created.clock,
    };
    const first = await writeText(db, write);
    expect(first).toMatchObject({ wrote: true, content: "new" });
    expect(await writeText(db, write)).toEqual(first);
    // Another write from the same state is not.
    const change = { id: "two", update: made.whole, content: made.text };
    const other = { ...write, change, version: null };
    expect(await writeText(db, other)).toMatchObject({ wrote: false });
    // It keeps its own mark where the document has been written again meanwhile: a session waits for that.
    const retitled: TextWrite = { ...write, change: null, version: null, title: "later" };
    const later = await writeText(db, { ...retitled, base: null, guard: null });
    expect(later!.position).toBeGreaterThan(first!.position);
    const repeated = await writeText(db, write);
    expect(repeated).toMatchObject({ wrote: true, title: "later" });
    expect(repeated).toMatchObject({ origin: first!.origin, position: first!.position });
    expect(await domain.count("DocumentUpdate")).toBe(2);
    expect(await domain.count("DocumentVersion")).toBe(2);
  });

  it("is the same deletion, where the first was not answered", async () => {
    const db = multiRegionDb.from(US).getWriteClient(US);
    const documentId = randomUUID();
    const create = { documentId, versionId: randomUUID(), userId: "u", regionId: US };
    await insertDocument(db, { ...create, title: "t", content: "c" });
    const other = await domain.addUser("other");
    const share = {
      userId: "u",
      documentId,
      addresses: ["other@example.com"],
      role: "viewer" as const,
    };
    await upsertCollaborator(db, share);
    const leave = { userId: "u", documentId, collaboratorId: other.userId };
    const left = await tombstoneCollaborator(db, leave);
    expect(left).toMatchObject({ readable: true, owned: true, changed: true });
    expect(await tombstoneCollaborator(db, leave)).toMatchObject({ changed: false });
    expect(await tombstoneCollaborator(db, { ...leave, again: true })).toEqual(left);
    const remove = { userId: "u", documentId };
    const removed = await tombstoneDocument(db, remove);
    expect(removed).toMatchObject({ owned: true, changed: true });
    expect(await tombstoneDocument(db, remove)).toBeNull();
    expect(await tombstoneDocument(db, { ...remove, again: true })).toEqual(removed);
    // What somebody else deleted is not one's own deletion.
    expect(await tombstoneDocument(db, { ...remove, userId: "v", again: true })).toBeNull();
  });
});

describe("the mirror of a session", () => {
  it("hands over to Redis what was noted while that was away", async () => {
    const away = new OptionalRedis(null);
    const back = new OptionalRedis(testStores().redisUrl);
    const [one, other] = [new SessionMirror(), new SessionMirror()];
    const at = (actor: string, position: bigint) =>
      new Map([[actor as Actor, toPosition(position)]]);
    const user = randomUUID();
    await one.merge(away, user, at("eu-west-1", 100n));
    await one.merge(back, user, at("us-east-1", 5n));
    expect((await other.read(back, user)).positions).toEqual(
      new Map([...at("eu-west-1", 100n), ...at("us-east-1", 5n)]),
    );
    back.close();
  });
});

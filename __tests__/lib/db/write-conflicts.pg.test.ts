import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRegions, type TestRegions } from "@/__tests__/support/stores";
import { NotWritableError } from "@/lib/db/conflicts/writable-entities";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import type { Topology } from "@/lib/db/regions/topology";
import {
  WriteConflictManager,
  type AttemptOutcome,
  type VectorClock,
  type WriteOperation,
} from "@/lib/db/write-conflicts";
import { STANDARD_DEFAULTS, STANDARD_QUORUM_HEDGE_MS } from "@/lib/policy-defaults";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const US = "us-east-1";

let stores: TestRegions;
let runtime: Runtime;
let manager: WriteConflictManager;

beforeAll(async () => {
  stores = await createRegions({ count: 1 });
  const [region] = stores.regions;
  if (!region) throw new Error("No region");
  const url = region.appUrl;
  const topology: Topology = {
    regions: DEFAULT_REGIONS.filter(({ id }) => id === US).map((entry) => ({
      ...entry,
      id: entry.id as RegionId,
    })),
    currentRegion: US as RegionId,
    sessionSecret: "session-secret-of-a-test-32-characters",
    replicationSecret: "replication-secret-of-a-test-32-chars",
    defaults: STANDARD_DEFAULTS,
    quorumHedgeMs: STANDARD_QUORUM_HEDGE_MS,
    residencies: {},
    addressSecret: null,
    failover: null,
    endpoints: () => ({
      read: url,
      write: url,
      direct: region.directUrl,
      peer: region.directUrl,
      redis: null,
    }),
  };
  runtime = new Runtime(() => topology);
  manager = new WriteConflictManager(() => runtime);
});
afterAll(async () => {
  await runtime.close();
  await stores.drop();
});

const db = () => runtime.clients.write(US as RegionId, US as RegionId);
const newDocument = () =>
  db().document.create({
    data: { title: "Old", summary: "s", ownerId: "owner", updatedBy: "ada" },
  });
const stored = (id: string) => db().document.findUniqueOrThrow({ where: { id } });
const recorded = (entityId: string) =>
  db().conflict.findMany({ where: { entityId }, orderBy: { field: "asc" } });

function change(
  entityId: string,
  baseVersion: unknown,
  changes: WriteOperation["changes"],
  userId = "bob",
): WriteOperation {
  return {
    entityType: "Document",
    entityId,
    changes,
    baseVersion: baseVersion as VectorClock,
    userId,
  };
}

function expectKind<K extends AttemptOutcome["kind"]>(
  outcome: AttemptOutcome,
  kind: K,
): Extract<AttemptOutcome, { kind: K }> {
  expect(outcome.kind).toBe(kind);
  return outcome as Extract<AttemptOutcome, { kind: K }>;
}

/** A document whose columns were written by ada after the version that `base` is of. */
async function contested(changes: WriteOperation["changes"]) {
  const { id, clock: base } = await newDocument();
  expectKind(await manager.attemptWrite(change(id, base, changes, "ada")), "written");
  return { id, base };
}

describe("attemptWrite", () => {
  it("writes on a fresh base in one statement, and records nothing", async () => {
    const { id, clock } = await newDocument();
    const outcome = expectKind(
      await manager.attemptWrite(change(id, clock, { title: "New" })),
      "written",
    );
    expect(outcome.clock).toEqual({ [US]: 2 });
    expect(outcome.event).toMatchObject({ entityType: "Document", entityId: id, origin: US });
    expect(await stored(id)).toMatchObject({ title: "New", updatedBy: "bob" });
    expect(await recorded(id)).toEqual([]);
  });

  it("leaves a stale base to the declared strategies, column by column", async () => {
    const { id, base } = await contested({ title: "Ada's", summary: "ada's" });
    const outcome = expectKind(
      await manager.attemptWrite(change(id, base, { title: "Bob's", summary: "bob's" })),
      "written",
    );
    expect(outcome.conflicts).toEqual([
      { id: expect.any(String) as string, field: "summary", outcome: "open" },
      { id: expect.any(String) as string, field: "title", outcome: "resolved" },
    ]);
    expect((await stored(id)).title).toBe("Bob's");
  });

  it("does not call it a conflict where others changed another column", async () => {
    const { id, base } = await contested({ summary: "ada's" });
    const outcome = expectKind(
      await manager.attemptWrite(change(id, base, { title: "Bob's" })),
      "written",
    );
    expect(outcome.conflicts).toEqual([]);
  });

  it("says behind for a base that the region does not have, whatever the strategy", async () => {
    const { id, clock } = await newDocument();
    const base = { ...(clock as object), "eu-west-1": 3 };
    for (const strategy of [undefined, "first-write-wins", "last-write-wins"] as const) {
      const outcome = await manager.attemptWrite(change(id, base, { title: "New" }), strategy);
      expectKind(outcome, "behind");
    }
    expect((await stored(id)).title).toBe("Old");
  });

  it("keeps the first write when told to, and records the second as the loser", async () => {
    const { id, base } = await contested({ title: "Ada's" });
    const write = change(id, base, { title: "Bob's" });
    const outcome = expectKind(await manager.attemptWrite(write, "first-write-wins"), "kept");
    expect(outcome.current.values.title).toBe("Ada's");
    const again = expectKind(await manager.attemptWrite(write, "first-write-wins"), "kept");
    expect(again.conflictId).toBe(outcome.conflictId);
    expect(await recorded(id)).toMatchObject([
      {
        id: outcome.conflictId,
        field: "title",
        strategy: "first-write-wins",
        outcome: "resolved",
        versions: [
          { value: "Ada's", won: true, author: "ada" },
          { value: "Bob's", won: false, author: "bob" },
        ],
      },
    ]);
    expect((await stored(id)).clock).toEqual({ [US]: 2 });
  });

  it("overwrites a manual column when told that the last write wins, and keeps the loser", async () => {
    const { id, base } = await contested({ summary: "ada's" });
    const outcome = expectKind(
      await manager.attemptWrite(change(id, base, { summary: "bob's" }), "last-write-wins"),
      "written",
    );
    expect(outcome.conflicts).toHaveLength(1);
    expect((await stored(id)).summary).toBe("bob's");
    expect(await recorded(id)).toMatchObject([
      { outcome: "resolved", versions: [{ value: "bob's" }, { value: "ada's", won: false }] },
    ]);
  });

  it("overwrites nothing under manual, and records both versions for a person", async () => {
    const { id, base } = await contested({ title: "Ada's" });
    const outcome = expectKind(
      await manager.attemptWrite(change(id, base, { title: "Bob's" }), "manual"),
      "open",
    );
    expect((await stored(id)).title).toBe("Ada's");
    expect(await recorded(id)).toMatchObject([
      { id: outcome.conflictId, outcome: "open", versions: [{ won: true }, { value: "Bob's" }] },
    ]);
  });

  it("writes what a function makes of both, and records what it was made from", async () => {
    const { id, clock: base } = await newDocument();
    await db().documentVersion.create({
      data: { documentId: id, title: "Old", authorId: "ada", documentClock: base as object },
    });
    await manager.attemptWrite(change(id, base, { title: "Ada's" }, "ada"));
    const outcome = expectKind(
      await manager.attemptWrite(
        change(id, base, { title: "Bob's" }),
        "custom",
        ({ base: from, current, incoming }) => ({
          title: `${String(from?.title)} ${String(current.title)} ${String(incoming.title)}`,
        }),
      ),
      "written",
    );
    expect((await stored(id)).title).toBe("Old Ada's Bob's");
    expect(outcome.conflicts).toHaveLength(1);
    const [record] = await recorded(id);
    expect(record?.versions).toMatchObject([
      { value: "Old Ada's Bob's", won: true },
      { value: "Ada's", won: false },
      { value: "Bob's", won: false },
    ]);
  });

  it("computes a merge anew when somebody writes in between", async () => {
    const { id, base } = await contested({ title: "0" });
    let calls = 0;
    const add = ({ current }: { current: Readonly<Record<string, unknown>> }) => {
      calls++;
      return { title: `${String(current.title)}+` };
    };
    await Promise.all(
      Array.from({ length: 4 }, () =>
        manager.attemptWrite(change(id, base, { title: "x" }), "merge", add),
      ),
    ).then((outcomes) => outcomes.forEach((outcome) => expectKind(outcome, "written")));
    expect((await stored(id)).title).toBe("0++++");
    expect(calls).toBeGreaterThanOrEqual(4);
  });

  it("refuses columns and values that are not on the list", async () => {
    const { id, clock } = await newDocument();
    const refused: WriteOperation["changes"][] = [
      { ownerId: "eve" },
      { content: "x" },
      { title: 5 },
      { title: "a\0b" },
    ];
    for (const changes of refused) {
      await expect(manager.attemptWrite(change(id, clock, changes))).rejects.toThrow(
        NotWritableError,
      );
    }
    const version = { ...change(id, clock, {}), entityType: "DocumentVersion" as const };
    await expect(manager.attemptWrite({ ...version, changes: { title: "x" } })).rejects.toThrow(
      NotWritableError,
    );
    expectKind(await manager.attemptWrite(change("nowhere", {}, { title: "x" })), "not-found");
  });
});

describe("resolveConflict", () => {
  async function openConflict() {
    const { id, base } = await contested({ summary: "ada's" });
    const outcome = expectKind(
      await manager.attemptWrite(change(id, base, { summary: "bob's" })),
      "written",
    );
    const [conflict] = outcome.conflicts;
    if (!conflict) throw new Error("No conflict");
    const row = await stored(id);
    const { versions } = await db().conflict.findUniqueOrThrow({ where: { id: conflict.id } });
    return { id, conflictId: conflict.id, row, versions: versions as { value: string }[] };
  }
  const siblings = async (id: string) => {
    const merge = (await stored(id)).merge as Record<string, unknown>;
    return Array.isArray(merge.summary) ? merge.summary.length : 1;
  };
  const decision = (id: string) => db().conflictResolution.findUniqueOrThrow({ where: { id } });

  it.each([0, 1])("takes version %i, and nothing is left to decide", async (take) => {
    const { id, conflictId, versions } = await openConflict();
    expect(await siblings(id)).toBe(2);
    const outcome = await manager.resolveConflict(conflictId, { take }, "carol");
    expect(outcome).toMatchObject({ kind: "resolved", choice: take === 0 ? "kept" : "restored" });
    expect(await stored(id)).toMatchObject({ summary: versions[take]?.value, updatedBy: "carol" });
    expect(await siblings(id)).toBe(1);
    expect(await decision(conflictId)).toMatchObject({
      resolvedBy: "carol",
      value: versions[take]?.value,
      writtenClock: (await stored(id)).clock,
    });
  });

  it("writes an edited value as a version that includes both", async () => {
    const { id, conflictId, row } = await openConflict();
    const resolution = {
      choice: "edited",
      value: "both",
      shown: row.clock as VectorClock,
    } as const;
    const outcome = await manager.resolveConflict(conflictId, resolution, "carol");
    expect(outcome).toMatchObject({ kind: "resolved", choice: "edited" });
    expect((await stored(id)).summary).toBe("both");
    expect(await siblings(id)).toBe(1);
  });

  it("is stale once the field holds a version that was not shown, and writes nothing", async () => {
    const { id, conflictId, row } = await openConflict();
    await manager.attemptWrite(change(id, row.clock, { summary: "later" }, "dave"));
    const outcome = await manager.resolveConflict(conflictId, { take: 1 }, "carol");
    expect(outcome).toMatchObject({
      kind: "stale",
      state: { versions: [{ value: "later", author: "dave" }] },
    });
    expect((await stored(id)).summary).toBe("later");
    await expect(decision(conflictId)).rejects.toThrow();
    const clock = outcome.kind === "stale" ? outcome.state.clock : {};
    const resolution = { take: 1, shown: clock };
    expect(await manager.resolveConflict(conflictId, resolution, "carol")).toMatchObject({
      kind: "resolved",
    });
  });

  it("is not stale because of a write of another column", async () => {
    const { id, conflictId, row } = await openConflict();
    await manager.attemptWrite(change(id, row.clock, { title: "Other" }, "dave"));
    const outcome = await manager.resolveConflict(conflictId, { take: 1 }, "carol");
    expect(outcome.kind).toBe("resolved");
    expect((await stored(id)).title).toBe("Other");
  });

  it("restores the loser of a conflict that a strategy resolved, more than once", async () => {
    const { id, base } = await contested({ title: "Ada's" });
    const outcome = expectKind(
      await manager.attemptWrite(change(id, base, { title: "Bob's" })),
      "written",
    );
    const conflictId = outcome.conflicts[0]?.id ?? "";
    await manager.resolveConflict(conflictId, { take: 1 }, "carol");
    expect((await stored(id)).title).toBe("Ada's");
    const shown = (await stored(id)).clock as VectorClock;
    await manager.resolveConflict(conflictId, { take: 0, shown }, "dave");
    expect((await stored(id)).title).toBe("Bob's");
    expect(await decision(conflictId)).toMatchObject({ choice: "kept", resolvedBy: "dave" });
  });

  it("brings a deleted row back, and deletes it again", async () => {
    const { id, base } = await contested({ title: "Ada's" });
    const outcome = expectKind(
      await manager.attemptWrite(change(id, base, { deletedAt: new Date() })),
      "written",
    );
    const conflict = outcome.conflicts.find(({ field }) => field === "$deleted");
    if (!conflict) throw new Error("No conflict");
    expect((await stored(id)).deletedAt).not.toBeNull();
    const undone = await manager.resolveConflict(conflict.id, { take: 1 }, "carol");
    expect(undone).toMatchObject({ kind: "resolved", choice: "restored" });
    expect(await stored(id)).toMatchObject({ deletedAt: null, title: "Ada's" });
    const shown = (await stored(id)).clock as VectorClock;
    await manager.resolveConflict(conflict.id, { take: 0, shown }, "carol");
    expect((await stored(id)).deletedAt).not.toBeNull();
  });

  it("restores the columns of a write that was refused as a whole", async () => {
    const { id, base } = await contested({ title: "Ada's" });
    const write = change(id, base, { title: "Bob's", summary: "bob's" });
    const { conflictId } = expectKind(
      await manager.attemptWrite(write, "first-write-wins"),
      "kept",
    );
    const shown = (await stored(id)).clock as VectorClock;
    expect(await manager.resolveConflict(conflictId, { take: 1, shown }, "carol")).toMatchObject({
      kind: "resolved",
      choice: "restored",
    });
    expect(await stored(id)).toMatchObject({ title: "Bob's", summary: "bob's" });
  });

  it("needs somebody who writes texts for a text, and knows what is no decision", async () => {
    const { id, conflictId } = await openConflict();
    expect(await manager.resolveConflict("unknown", { take: 0 }, "carol")).toEqual({
      kind: "not-found",
    });
    expect(await manager.resolveConflict(conflictId, { take: 7 }, "carol")).toMatchObject({
      kind: "invalid",
    });
    const bad = { choice: "edited", value: 5 } as const;
    expect(await manager.resolveConflict(conflictId, bad, "carol")).toMatchObject({
      kind: "invalid",
    });
    const version = { clock: {}, hlc: "1", origin: US, count: 0, author: null };
    await db().conflict.create({
      data: {
        id: `${id}-text`,
        entityType: "Document",
        entityId: id,
        field: "content",
        strategy: "text",
        outcome: "open",
        versions: [
          { ...version, value: "theirs", won: true },
          { ...version, value: "mine", won: false },
        ],
      },
    });
    const resolution = { take: 1, shown: (await stored(id)).clock as VectorClock };
    expect(await manager.resolveConflict(`${id}-text`, resolution, "carol")).toMatchObject({
      kind: "invalid",
    });
    const written: string[] = [];
    const outcome = await manager.resolveConflict(`${id}-text`, resolution, "carol", {
      writeText: async (documentId, content) => {
        written.push(documentId, content);
        return { kind: "written", clock: { [US]: 9 }, mark: { origin: US, position: 1n } };
      },
    });
    expect(outcome).toMatchObject({ kind: "resolved", clock: { [US]: 9 } });
    expect(written).toEqual([id, "mine"]);
  });

  it("lets one of two decisions made on the same page through, and tells the other", async () => {
    const { id, conflictId, row } = await openConflict();
    const shown = row.clock as VectorClock;
    const outcomes = await Promise.all(
      ["one", "two"].map((value) =>
        manager.resolveConflict(conflictId, { choice: "edited", value, shown }, value),
      ),
    );
    const kinds = outcomes.map(({ kind }) => kind).sort();
    expect(kinds).toEqual(["resolved", "stale"]);
    const winner = outcomes.find(({ kind }) => kind === "resolved");
    expect(winner).toMatchObject({ value: (await stored(id)).summary });
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDomain, written, type TestDomain } from "./domain";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Actor } from "@/lib/documents/types";
import {
  createDocument,
  deleteDocument,
  shareDocument,
  unshareDocument,
  updateDocument,
} from "@/lib/documents/write";

const US = "us-east-1";
const EU = "eu-west-1" as RegionId;

describe("documents of a single leader", () => {
  let domain: TestDomain;
  let owner: Actor;
  beforeAll(async () => {
    domain = await startDomain({ topology: "single-leader" });
    owner = { ...(await domain.addUser("owner")), vantage: EU };
    await domain.addUser("friend");
  });
  afterAll(() => domain.close());

  const there = { regionId: US, vantage: EU, reason: "redirected-leader", redirected: true };

  it("are written in the leading region from everywhere", async () => {
    const created = written(await createDocument(owner, { title: "t", content: "c" }));
    expect(created.receipt).toMatchObject(there);
    const { id, clock } = created.value;
    const updated = written(
      await updateDocument(owner, { documentId: id, content: "d", baseVersion: clock }),
    );
    expect(updated.value).toMatchObject({ content: "d", origin: US });
    expect(updated.receipt).toMatchObject(there);
    const share = { documentId: id, email: "friend@example.com", role: "viewer" } as const;
    const shared = written(await shareDocument(owner, share));
    expect(shared.receipt).toMatchObject(there);
    const { userId } = shared.value;
    expect(written(await unshareDocument(owner, { documentId: id, userId })).receipt).toMatchObject(
      there,
    );
    expect(written(await deleteDocument(owner, id)).receipt).toMatchObject(there);
    // None of it was written in Dublin, which has no replication here.
    expect(await domain.count("Document", EU)).toBe(0);
    expect(await domain.count("DocumentUpdate", EU)).toBe(0);
    expect(await domain.count("DocumentUpdate", US)).toBe(2);
  });

  it("are refused while nobody leads, and nothing is written", async () => {
    const before = await domain.count("Document", US);
    await domain.rows("UPDATE mr.lease SET valid_until = '-infinity'");
    const outcome = await createDocument(owner, { title: "t", content: "c" });
    await domain.rows("UPDATE mr.lease SET valid_until = 'infinity'");
    expect(outcome).toMatchObject({ ok: false, code: "unavailable" });
    expect(outcome.ok ? "" : outcome.message).toMatch(/no majority .* Nothing was saved/);
    expect(await domain.count("Document", US)).toBe(before);
  });

  it("are not found where there is none", async () => {
    expect(await deleteDocument(owner, "no such document")).toMatchObject({ code: "not-found" });
  });
});

describe("leaderless documents", () => {
  let domain: TestDomain;
  beforeAll(async () => {
    domain = await startDomain({ topology: "leaderless" });
  });
  afterAll(() => domain.close());

  it("are written nearby, and the receipt says when too few regions have it", async () => {
    const owner = { ...(await domain.addUser("owner")), vantage: EU };
    const created = written(await createDocument(owner, { title: "t", content: "c" }));
    expect(created.receipt).toMatchObject({
      regionId: EU,
      reason: "nearest",
      quorum: "unconfirmed",
      copies: { needed: 2, regions: [EU] },
    });
    expect(await domain.count("Document", EU)).toBe(1);
  });
});

describe("a process that was not told of the new topology", () => {
  let domain: TestDomain;
  beforeAll(async () => {
    domain = await startDomain();
    for (const region of domain.topology.regions) {
      await domain.rows(
        `SELECT mr.declare(name, policy || '{"topology": "single-leader"}')::text FROM mr.entity
         WHERE name LIKE 'Document%' OR name = 'Collaborator'`,
        [],
        region.id,
      );
    }
  });
  afterAll(() => domain.close());

  it("writes where the databases say", async () => {
    const owner = { ...(await domain.addUser("owner")), vantage: EU };
    const created = written(await createDocument(owner, { title: "t", content: "c" }));
    expect(created.receipt).toMatchObject({ regionId: US, reason: "redirected-leader" });
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusedAs, startDomain, written, type TestDomain } from "@/__tests__/lib/documents/domain";
import { MULTI_LEADER } from "@/__tests__/support/test-defaults";
import { readDocument } from "@/lib/documents/read";
import type { Actor } from "@/lib/documents/types";
import { createDocument, updateDocument } from "@/lib/documents/write";

let domain: TestDomain;
let owner: Actor;

beforeAll(async () => {
  domain = await startDomain(MULTI_LEADER);
  owner = await domain.addUser("owner");
});
afterAll(() => domain.close());

describe("writing in the nearest region", () => {
  it("goes to the next nearest region while the nearest is down, and says so", async () => {
    const sailor = await domain.addUser("sailor");
    domain.setDown("ap-southeast-1", true);
    try {
      const actor = { ...sailor, vantage: "ap-southeast-1" as Actor["vantage"] };
      const outcome = written(await createDocument(actor, { title: "T", content: "C" }));
      expect(outcome.value.origin).toBe("eu-west-1");
      expect(outcome.receipt).toMatchObject({
        regionId: "eu-west-1",
        vantage: "ap-southeast-1",
        reason: "redirected-down",
        redirected: true,
      });
    } finally {
      domain.setDown("ap-southeast-1", false);
    }
  });

  it("finds a session's own document, not replicated yet, where it was written", async () => {
    const created = written(await createDocument(owner, { title: "T", content: "C" }));
    const moved: Actor = {
      ...owner,
      vantage: "eu-west-1" as Actor["vantage"],
      token: { kind: "valid", positions: created.open },
    };
    const outcome = written(
      await updateDocument(moved, {
        documentId: created.value.id,
        content: "From afar",
        baseVersion: created.value.clock,
      }),
    );
    expect(outcome.receipt).toMatchObject({
      regionId: "us-east-1",
      vantage: "eu-west-1",
      reason: "redirected-behind",
    });
  });
});

describe("a session that no region satisfies", () => {
  it("still finds its document to change, and says so where there is none", async () => {
    const nomad = await domain.addUser("nomad");
    const at = (vantage: string) => ({ ...nomad, vantage: vantage as Actor["vantage"] });
    // Without workers nothing is replicated: each region has a write that the other lacks.
    const here = written(await createDocument(at("us-east-1"), { title: "T", content: "C" }));
    written(await createDocument(at("eu-west-1"), { title: "T", content: "C" }));
    const moved = at("eu-west-1");
    const change = { content: "X", baseVersion: here.value.clock };
    const found = await updateDocument(moved, { ...change, documentId: here.value.id });
    expect(written(found).receipt.regionId).toBe("us-east-1");
    const missing = await updateDocument(moved, { ...change, documentId: "no-such-id" });
    expect(refusedAs(missing).code).toBe("behind");
    expect((await readDocument(moved, here.value.id)).receipt.stale).toBe(true);
  });
});

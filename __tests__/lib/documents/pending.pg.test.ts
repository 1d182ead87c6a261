import { afterAll, beforeAll, expect, it } from "vitest";
import type { RegionId } from "@/lib/db/multi-region-config";
import { readDocument } from "@/lib/documents/read";
import { createDocument, updateDocument } from "@/lib/documents/write";
import { startDomain, type TestDomain } from "./domain";

let domain: TestDomain;
beforeAll(async () => {
  domain = await startDomain();
});
afterAll(() => domain.close());

/** Brings the latest version of the document to another region, as its applier would. */
async function deliver(regionId: string): Promise<void> {
  const rows = await domain.rows<{ event: string }>(
    `SELECT o::text AS event FROM mr."outbox_Document" o ORDER BY o.hlc DESC LIMIT 1`,
  );
  await domain.rows(
    `SELECT mr."deliver_isolated_Document"('us-east-1', $1::mr."outbox_Document"[])::text`,
    [rows.map(({ event }) => event)],
    regionId,
  );
}

it("says that a later version is parked in the region that answered", async () => {
  const writer = await domain.addUser("pending");
  const created = await createDocument(writer, { title: "Fine", content: "Text" });
  if (!created.ok) throw new Error(created.message);
  const { id, clock } = created.value;
  await deliver("eu-west-1");
  await domain.rows(
    `ALTER TABLE "Document" ADD CONSTRAINT no_bad CHECK (title <> 'Bad') NOT VALID`,
    [],
    "eu-west-1",
  );
  const changed = await updateDocument(writer, {
    documentId: id,
    title: "Bad",
    baseVersion: clock,
  });
  expect(changed.ok).toBe(true);
  await deliver("eu-west-1");

  const seenFrom = async (vantage: string) =>
    (await readDocument({ ...writer, vantage: vantage as RegionId }, id, "eventual")).value
      ?.document;
  expect(await seenFrom("eu-west-1")).toMatchObject({ title: "Fine", pending: true });
  expect(await seenFrom("us-east-1")).toMatchObject({ title: "Bad", pending: false });
});

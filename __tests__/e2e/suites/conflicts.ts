import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "@/__tests__/support/wait-for";
import { withCut } from "@/__tests__/e2e/support/faults";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";

const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"];
const PARTED = ["us-east-1", "ap-southeast-1"] as const;

const HERS = "Ships, as seen from Virginia";
const HIS = "Ships, as seen from Singapore";
const OLD_TITLE = "Ships in port";
const HER_TITLE = "Ships, first";
const HIS_TITLE = "Ships, last";

interface Recorded {
  id: string;
  field: string;
  strategy: string;
  outcome: string;
  values: string[];
}

export function conflictsSuite(): void {
  describe("a conflict is shown, and a person decides", { timeout: TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let owner: Visitor;
    let editor: Visitor;
    let admin: Visitor;
    let documentId: string;
    let records: Recorded[];
    afterAll(everyoneLeaves);

    const recordOf = (field: string) => records.find((record) => record.field === field)!;

    /** Of the document, the same in every region. */
    async function recorded(count: number): Promise<Recorded[]> {
      const { databases } = theWorld();
      const read = (region: string) =>
        databases.rows<Recorded>(
          region,
          `SELECT id, field, strategy, outcome,
             (SELECT array_agg(v->>'value' ORDER BY n)
              FROM jsonb_array_elements(versions) WITH ORDINALITY AS e (v, n)) AS values
           FROM "Conflict" WHERE "entityId" = $1 ORDER BY field`,
          [documentId],
        );
      return waitFor(
        async () => {
          const all = await Promise.all(REGIONS.map(read));
          const same = all.every((rows) => JSON.stringify(rows) === JSON.stringify(all[0]));
          return same && all[0]!.length === count && all[0];
        },
        { what: `${count} records in every region`, timeoutMs: 20_000 },
      );
    }

    async function saveBoth(visitor: Visitor, title: string, summary: string): Promise<void> {
      await visitor.page.getByLabel("Title").fill(title);
      await visitor.page.getByLabel("Summary").fill(summary);
      await visitor.save();
    }

    beforeAll(async () => {
      [owner, editor, admin] = [
        await Visitor.arrive(),
        await Visitor.arrive(),
        await Visitor.arrive(),
      ];
      await owner.signUp({
        name: "Grace",
        email: "grace@example.org",
        password: "a long enough secret",
      });
      documentId = await owner.createDocument(OLD_TITLE, "Three ships.");
      await owner.share("reader@example.com", "edit");
      await editor.signIn("reader@example.com");
      await editor.viewFrom("Singapore");
      await admin.signIn("admin@example.com");
      await theWorld().databases.settled();
    });

    it("records what two regions made of a title and a summary", async () => {
      await editor.openDocument(documentId);
      await withCut(PARTED, async () => {
        await saveBoth(owner, HER_TITLE, HERS);
        await saveBoth(editor, HIS_TITLE, HIS);
        await owner.heading(HER_TITLE).waitFor();
        await editor.heading(HIS_TITLE).waitFor();
      });
      records = await recorded(2);
      const [summary, title] = records;
      expect(summary).toMatchObject({
        field: "summary",
        strategy: "manual",
        outcome: "open",
        values: [HIS, HERS],
      });
      expect(title).toMatchObject({
        field: "title",
        strategy: "last-write-wins",
        values: [HIS_TITLE, HER_TITLE],
      });
      expect(title!.outcome).not.toBe("open");
      await theWorld().databases.documentBecomes(documentId, { title: HIS_TITLE, summary: HIS });
    });

    it("tells the owner, and nobody whom it does not concern", async () => {
      const { page } = owner;
      await page.goto(`/documents/${documentId}`);
      await owner.heading(HIS_TITLE).waitFor();
      const conflicts = page.getByRole("region", { name: "Conflicts" });
      await conflicts.getByText("One waits for your decision.").waitFor();
      expect(await conflicts.getByRole("link").count()).toBe(2);
      await owner.shoot("conflicts-of-a-document");

      await editor.openDocument(documentId);
      await editor.heading(HIS_TITLE).waitFor();
      expect(await editor.page.getByRole("region", { name: "Conflicts" }).count()).toBe(0);
      for (const { id } of records) {
        const response = await editor.page.goto(`/conflicts/${id}`);
        expect(response?.status()).toBe(404);
      }
      await editor.page.goto("/admin/conflicts");
      await editor.heading("For administrators").waitFor();
    });

    it("lists it for administrators, by status", async () => {
      const { page } = admin;
      await page.goto("/admin/conflicts");
      await admin.heading("Conflicts").waitFor();
      await admin.shoot("conflicts");
      const main = page.getByRole("main");
      const item = (field: string) =>
        main.getByRole("listitem").filter({ hasText: HIS_TITLE }).filter({ hasText: field });
      await item("summary").getByText("Open", { exact: true }).waitFor();
      await item("title").getByText("Resolved automatically").waitFor();
      await page.getByRole("link", { name: /^Open \d+$/ }).click();
      await page.waitForURL(/status=open/);
      await item("summary").waitFor();
      await item("title").waitFor({ state: "detached" });
      await page.getByLabel("Kind").selectOption({ label: "Account" });
      await page.getByRole("button", { name: "Filter" }).click();
      await page.getByRole("heading", { name: "None of that kind" }).waitFor();
      await admin.shoot("conflicts-none");
    });

    it("shows both versions and their differences", async () => {
      const { page } = admin;
      await page.goto("/admin/conflicts?status=open");
      await page.getByRole("link", { name: `Document: ${HIS_TITLE}` }).click();
      await page.waitForURL(`/admin/conflicts/${recordOf("summary").id}`);
      const versions = page.getByRole("article");
      expect(await versions.count()).toBe(2);
      await versions.nth(0).getByText(HIS).waitFor();
      await versions.nth(0).getByText("Reader").waitFor();
      await versions.nth(1).getByText(HERS).waitFor();
      await versions.nth(1).getByText("Grace").waitFor();
      const differences = page.getByRole("region", { name: "Differences" });
      await differences.getByRole("textbox", { name: "Version A" }).waitFor();
      expect(await differences.locator(".cm-changedText").allInnerTexts()).not.toEqual([]);
      await admin.shoot("conflict-open");
      await differences.getByRole("button", { name: "Merged" }).click();
      await differences.getByRole("textbox", { name: /merged/ }).waitFor();
      await admin.shoot("conflict-open-merged");
    });

    it("takes one version, and tells a second decision what it did not know", async () => {
      const { id } = recordOf("summary");
      await owner.page.goto(`/conflicts/${id}`);
      await owner.page.getByRole("button", { name: "Take Version A" }).waitFor();
      const before = await shownTo(owner.page, id);

      await admin.page.getByRole("button", { name: "Take Version B" }).click();
      await admin.page.getByRole("status").filter({ hasText: "Decided." }).waitFor();
      await admin.shoot("conflict-decided");
      const { databases } = theWorld();
      await databases.documentBecomes(documentId, { summary: HERS });

      await owner.page.getByRole("button", { name: "Take Version A" }).click();
      const notice = owner.page.getByRole("alert").filter({ hasText: "Somebody was quicker." });
      await notice.getByText(HERS).waitFor();
      await owner.shoot("conflict-stale");
      await databases.documentBecomes(documentId, { summary: HERS });

      const answer = await resolve(owner.page, id, { take: 0, shown: before });
      expect(answer.status).toBe(409);
      expect(answer.body).toMatchObject({ code: "stale", state: { versions: [{ value: HERS }] } });
      await databases.documentBecomes(documentId, { summary: HERS });
    });

    it("takes what the owner writes instead, who now knows", async () => {
      const { page } = owner;
      const written = "Ships, as seen from both sides";
      await page.locator("summary", { hasText: "Write something else" }).click();
      await page.getByLabel("What it shall be").fill(written);
      await page.getByRole("button", { name: "Save this" }).click();
      await page.getByRole("status").filter({ hasText: "Decided." }).waitFor();
      await page.getByText("Grace wrote something else").waitFor();
      await theWorld().databases.documentBecomes(documentId, { summary: written });
      await owner.shoot("conflict-edited");
    });

    it("brings back the title that lost", async () => {
      const { page } = owner;
      await page.goto(`/documents/${documentId}`);
      await page
        .getByRole("region", { name: "Conflicts" })
        .getByRole("listitem")
        .filter({ hasText: "title" })
        .getByRole("link")
        .click();
      await page.waitForURL(`/conflicts/${recordOf("title").id}`);
      await page.getByText("Resolved automatically").waitFor();
      await owner.shoot("conflict-automatic");
      await page.getByRole("button", { name: "Restore Version B" }).click();
      await page.getByText("Grace restored a version that had lost").waitFor();
      await theWorld().databases.documentBecomes(documentId, { title: HER_TITLE });
      await page.getByRole("link", { name: "Open the document" }).click();
      await owner.heading(HER_TITLE).waitFor();
      await page.getByText("Nothing waits for you; what lost can be restored.").waitFor();
    });

    it("asks about a document that one deleted and the other changed", async () => {
      await editor.openDocument(documentId);
      await editor.heading(HER_TITLE).waitFor();
      await owner.openDocument(documentId);
      await withCut(PARTED, async () => {
        await owner.page.locator("summary", { hasText: "Delete document" }).click();
        await owner.page.getByRole("button", { name: "Delete it" }).click();
        await owner.page.waitForURL("/documents");
        await editor.page.getByLabel("Title").fill("Ships, not gone");
        await editor.save();
      });
      records = await recorded(3);
      const { id } = recordOf("$deleted");
      await owner.page.goto(`/conflicts/${id}`);
      await owner.page.getByText("was deleted and changed").waitFor();
      await owner.shoot("conflict-deleted");
      await owner.page.getByRole("button", { name: "Bring it back" }).click();
      await owner.page.getByRole("status").filter({ hasText: "Decided." }).waitFor();
      const { databases } = theWorld();
      await waitFor(
        async () => (await databases.document(documentId)).every(({ deleted }) => !deleted),
        { what: "the document to be back in every region" },
      );
      await owner.openDocument(documentId);
      await owner.heading("Ships, not gone").waitFor();
      await databases.settled();
    });
  });
}

/** What the page's form would send along: the clock of what it shows. */
async function shownTo(page: Page, id: string): Promise<unknown> {
  const answer = await page.evaluate(
    async (path) => (await fetch(path)).json() as Promise<{ conflict: { shown: unknown } }>,
    `/api/conflicts/${id}`,
  );
  expect(answer.conflict.shown).toBeDefined();
  return answer.conflict.shown;
}

function resolve(page: Page, id: string, decision: Record<string, unknown>) {
  return page.evaluate(
    async ([path, body]) => {
      const response = await fetch(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      return { status: response.status, body: (await response.json()) as unknown };
    },
    [`/api/conflicts/${id}/resolve`, JSON.stringify(decision)] as const,
  );
}

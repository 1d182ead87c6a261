import { afterAll, describe, expect, it } from "vitest";
import { waitFor } from "@/__tests__/support/wait-for";
import { withLateNews, withoutApplying } from "@/__tests__/e2e/support/faults";
import { PATIENCE, SERVERLESS } from "@/__tests__/e2e/support/serverless";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { readReceiptFrom, writeReceipt, type ShownReceipt } from "@/__tests__/e2e/support/receipts";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";

const TITLE = "Tide tables";
const CONTENT = "High water at 04:12.\nLow water at 10:31.";
const NEW_TITLE = "Tide tables, corrected";
const NEW_CONTENT = "High water at 04:12.\nLow water at 10:47.";

/** The session had to see a write of Virginia, and the region that answered had it. */
function expectCovered(receipt: ShownReceipt): void {
  expect(receipt.required).toHaveProperty("Virginia");
  const [required, applied] = [receipt.required.Virginia, receipt.applied.Virginia];
  expect(BigInt(applied ?? 0)).toBeGreaterThanOrEqual(BigInt(required ?? 0));
}

export function storySuite(): void {
  describe("one document, three regions", { timeout: TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let author: Visitor;
    let reader: Visitor;
    let documentId: string;
    afterAll(everyoneLeaves);

    it("shows a stranger what this is", async () => {
      author = await Visitor.arrive();
      await author.page.goto("/");
      await author.page.getByText("Nearest to you is Virginia").waitFor();
      await author.shoot("front-page");
    });

    it("signs up a new user in Virginia", async () => {
      await author.page.goto("/sign-up");
      await author.shoot("sign-up");
      await author.signUp({
        name: "Maren",
        email: "maren@example.org",
        password: "a long enough secret",
      });
      await author.page.getByRole("heading", { name: "No documents yet" }).waitFor();
      await author.shoot("no-documents");
    });

    it("shows a write at once from a region that does not have it yet", async () => {
      // Nothing can arrive in Singapore while this lasts, so the answer has to come from elsewhere.
      await withoutApplying("ap-southeast-1", async () => {
        documentId = await author.createDocument(TITLE, CONTENT);
        await author.viewFrom("Singapore");
        const receipt = await readReceiptFrom(author.page, "Singapore");

        await author.heading(TITLE).waitFor();
        expect(await author.clockShown()).toEqual({ "us-east-1": 1 });
        expect(await author.contentShown()).toBe(CONTENT);
        if (SERVERLESS) {
          // Requests do the workers' work: a process that takes a second to start may find it done.
          expect(receipt.reason).toMatch(/^(nearest|waited|redirected-behind)$/);
          if (Object.hasOwn(receipt.required, "Virginia")) expectCovered(receipt);
        } else {
          expect(receipt.reason).toBe("redirected-behind");
          expect(receipt.region).not.toBe("ap-southeast-1");
          expectCovered(receipt);
        }
        const written = await writeReceipt(author.page, "Created.");
        expect(written).toMatchObject({ region: "us-east-1", reason: "nearest", from: "Virginia" });
      });
      await author.page.locator('[data-receipt="read"] summary').click();
      await author.shoot("redirected");
    });

    it("is never stale, however late Singapore hears of a write", async () => {
      const { page } = author;
      const seen: string[] = [];
      await withLateNews("ap-southeast-1", async (setDelayMs) => {
        // The first is the real delay. A browser is often slower; one of these must be too late.
        for (const delayMs of [110, 200, 350, 500, 650, 800, 950]) {
          await setDelayMs(delayMs);
          await author.viewFrom("Virginia");
          await readReceiptFrom(page, "Virginia");
          const before = await author.clockShown();
          const content = `${CONTENT}\nHeard of after ${delayMs} ms.`;
          await page.getByLabel("Content").fill(content);
          await author.save();
          const written = await author.clockShown();
          expect(written["us-east-1"]).toBeGreaterThan(before["us-east-1"] ?? 0);
          await author.viewFrom("Singapore");
          const receipt = await readReceiptFrom(page, "Singapore");
          // The editor holds what was typed; what was read is what the answer brought.
          expect(await author.clockShown()).toEqual(written);
          expect(await author.contentShown()).toBe(content);
          expect(await page.getByText("Created.").count()).toBe(0);
          if (Object.hasOwn(receipt.required, "Virginia")) expectCovered(receipt);
          else {
            // Nothing is required of a region any more that each of them has: the browser was slow.
            expect(receipt.reason).toBe("nearest");
            const stored = await theWorld().databases.document(documentId);
            expect(stored.map((row) => row.content)).toEqual(Array(3).fill(content));
          }
          seen.push(receipt.reason);
          if (receipt.reason === "waited") {
            expect(receipt.region).toBe("ap-southeast-1");
            break;
          }
        }
      });
      if (!SERVERLESS)
        expect(seen.filter((reason) => /^(waited|redirected-behind)$/.test(reason))).not.toEqual(
          [],
        );
      await page.locator('[data-receipt="read"] summary').click();
      await author.shoot("read-from-singapore");
    });

    it("takes a change in Singapore and shows it in Dublin", async () => {
      const { page } = author;
      await page.getByLabel("Title").fill(NEW_TITLE);
      await page.getByLabel("Content").fill(NEW_CONTENT);
      await author.save();
      expect(await writeReceipt(page, "Saved.")).toMatchObject({
        region: "ap-southeast-1",
        from: "Singapore",
      });
      const written = await author.clockShown();
      await author.viewFrom("Dublin");

      const receipt = await readReceiptFrom(page, "Dublin");
      expect(receipt.reason).toMatch(/^(nearest|waited|redirected-behind)$/);
      await author.heading(NEW_TITLE).waitFor();
      expect(await author.clockShown()).toEqual(written);
      expect(await author.contentShown()).toBe(NEW_CONTENT);
      await author.shoot("read-from-dublin");
    });

    it("keeps every version with the region that wrote it", async () => {
      const { page } = author;
      await page.getByRole("link", { name: /^History/ }).click();
      await author.heading(`History of ${NEW_TITLE}`).waitFor();
      const versions = await page.getByRole("main").locator("li summary").allInnerTexts();
      expect(versions.length).toBeGreaterThanOrEqual(3);
      expect(versions[0]).toContain(NEW_TITLE);
      expect(versions[0]).toContain("Singapore");
      expect(versions.at(-1)).toContain(TITLE);
      expect(versions.at(-1)).toContain("Virginia");
      await page.getByRole("main").locator("li summary").last().click();
      await author.shoot("history");
    });

    it("shares it with another account", async () => {
      const { page } = author;
      await page.goto(`/documents/${documentId}`);
      await page.getByLabel("Share with").fill("reader@example.com");
      await page.getByRole("button", { name: "Share" }).click();
      await page.getByText("Shared with Reader as viewer.").waitFor();
      await page.getByText("reader@example.com · viewer").waitFor();
      await author.shoot("shared");
    });

    it("lets the other account see it from Dublin and not change it", async () => {
      reader = await Visitor.arrive();
      const { page } = reader;
      await page.goto("/sign-in");
      await reader.shoot("sign-in");
      await reader.viewFrom("Dublin");
      await reader.signIn("reader@example.com");
      // Another session wrote it: this one is owed it soon, not at once.
      const link = page.getByRole("link", { name: NEW_TITLE });
      await waitFor(async () => (await page.reload()) && (await link.isVisible()), {
        what: "the shared document in the reader's list",
        timeoutMs: PATIENCE * 10_000,
      });
      await reader.shoot("documents-of-the-reader");
      await link.click();
      await reader.heading(NEW_TITLE).waitFor();
      await readReceiptFrom(page, "Dublin");
      await page.getByText("Maren shared this with you. You can view it.").waitFor();
      await page.getByRole("article").getByText("Low water at 10:47.").waitFor();
      expect(await page.getByRole("button", { name: /Save|Delete|Share/ }).count()).toBe(0);
      await reader.shoot("seen-by-the-reader");
    });

    it("disappears for both when the owner deletes it", async () => {
      await author.page.locator("summary", { hasText: "Delete document" }).click();
      await author.shoot("delete");
      await author.page.getByRole("button", { name: "Delete it" }).click();
      await author.page.waitForURL("/documents");
      await author.page.getByText("Deleted.").waitFor();
      await author.page.getByRole("heading", { name: "No documents yet" }).waitFor();
      await author.shoot("deleted");
      const gone = await author.page.goto(`/documents/${documentId}`);
      expect(gone?.status()).toBe(404);

      await waitFor(async () => (await reader.page.reload())?.status() === 404, {
        what: "the document to be gone for the reader",
        timeoutMs: PATIENCE * 10_000,
      });
      await reader.heading("Not found").waitFor();
      await reader.shoot("gone-for-the-reader");
      await reader.page.goto("/documents");
      await reader.heading("Documents").waitFor();
      expect(await reader.page.getByRole("link", { name: NEW_TITLE }).count()).toBe(0);

      const { databases } = theWorld();
      await databases.settled();
      const stored = await databases.document(documentId);
      expect(stored.map(({ region, deleted }) => [region, deleted])).toEqual([
        ["us-east-1", true],
        ["eu-west-1", true],
        ["ap-southeast-1", true],
      ]);
    });
  });
}

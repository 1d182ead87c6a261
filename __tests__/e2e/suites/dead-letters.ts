import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "@/__tests__/support/wait-for";
import { allow, forbid, hurry, FORBIDDEN, parkedEvents } from "@/__tests__/e2e/support/conflicts";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";

export function deadLettersSuite(): void {
  describe("an event that a region can't apply", { timeout: TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let writer: Visitor;
    let admin: Visitor;
    let documentId: string;
    afterAll(async () => {
      await allow();
      await hurry();
      await everyoneLeaves();
    });

    async function parked(count: number): Promise<void> {
      await waitFor(async () => (await parkedEvents(documentId)) === count, {
        what: `${count} parked events in Singapore`,
        timeoutMs: 15_000,
      });
    }

    async function saveTitle(title: string): Promise<void> {
      await writer.page.getByLabel("Title").fill(title);
      await writer.save();
    }

    beforeAll(async () => {
      [writer, admin] = [await Visitor.arrive(), await Visitor.arrive()];
      await writer.signUp({
        name: "Hedy",
        email: "hedy@example.org",
        password: "a long enough secret",
      });
      documentId = await writer.createDocument("Allowed everywhere", "Some text.");
      await writer.share("reader@example.com", "view");
      await admin.signIn("admin@example.com");
      await theWorld().databases.settled();
    });

    it("is parked, and everything else flows", async () => {
      await admin.page.goto("/admin/dead-letters");
      expect(await admin.page.getByText("Nothing is parked here.").count()).toBe(3);
      await admin.shoot("dead-letters-none");
      await forbid();
      await saveTitle(FORBIDDEN);
      await parked(1);
      const other = await writer.createDocument("Written after it", "It arrives.");
      await theWorld().databases.documentBecomes(other, { title: "Written after it" });

      const reader = await Visitor.arrive();
      await reader.signIn("reader@example.com");
      await reader.viewFrom("Singapore");
      await reader.page.goto(`/documents/${documentId}`);
      await reader.heading("Allowed everywhere").waitFor();
      await reader.page.getByText("A newer version is waiting.").waitFor();
      await reader.shoot("dead-letter-for-the-reader");
      await reader.leave();
    });

    it("is shown with its reason to administrators, and to nobody else", async () => {
      const { page } = admin;
      await page.reload();
      expect(await page.getByText("Nothing is parked here.").count()).toBe(2);
      await page.getByRole("region", { name: "Singapore" }).getByText("e2e_title").waitFor();
      await admin.shoot("dead-letters");
      await page.getByRole("link", { name: documentId }).click();
      await page.getByText("Could not be applied").waitFor();
      await admin.shoot("dead-letter");
      await writer.page.goto("/admin/dead-letters");
      await writer.heading("For administrators").waitFor();
      await writer.page.goto(new URL(page.url()).pathname + new URL(page.url()).search);
      await writer.heading("For administrators").waitFor();
    });

    it("fails again as long as the reason is there, and drains without it", async () => {
      const { page } = admin;
      await page.getByRole("button", { name: "Retry now" }).click();
      const refusal = page.getByRole("alert").filter({ hasText: "It still cannot be applied" });
      await refusal.getByText("e2e_title").waitFor();
      await admin.shoot("dead-letter-failing");
      await allow();
      await page.getByRole("button", { name: "Retry now" }).click();
      await page.getByText("The events were applied, in order.").waitFor();
      await admin.shoot("dead-letters-drained");
      await theWorld().databases.documentBecomes(documentId, { title: FORBIDDEN });
      await parked(0);
    });

    it("is edited into something that can be applied, for every region", async () => {
      const { page } = admin;
      await writer.openDocument(documentId);
      await saveTitle("In between");
      await theWorld().databases.documentBecomes(documentId, { title: "In between" });
      await forbid();
      await saveTitle(FORBIDDEN);
      await parked(1);
      await page.goto("/admin/dead-letters");
      await page.getByRole("link", { name: documentId }).click();
      const field = page.getByLabel("The row, with all its events");
      const values = JSON.parse(await field.inputValue()) as Record<string, unknown>;
      expect(values.title).toBe(FORBIDDEN);
      await field.fill(JSON.stringify({ ...values, title: "Edited by hand" }, null, 2));
      await page.getByRole("button", { name: "Edit and retry" }).click();
      await page.getByText("The edited row was written").waitFor();
      await theWorld().databases.documentBecomes(documentId, { title: "Edited by hand" });
      await parked(0);
    });

    it("is discarded only by who types it, and then every region takes the row", async () => {
      const { page } = admin;
      await writer.openDocument(documentId);
      await saveTitle(FORBIDDEN);
      await parked(1);
      await page.goto("/admin/dead-letters");
      await page.getByRole("link", { name: documentId }).click();
      await page.locator("summary", { hasText: "Discard the events" }).click();
      await page.getByLabel(/^Type “discard”/).fill("yes");
      await page.getByRole("button", { name: "Discard them" }).click();
      await page.getByText("Type “discard” to confirm.", { exact: true }).waitFor();
      await admin.shoot("dead-letter-discard");
      await parked(1);
      await page.getByLabel(/^Type “discard”/).fill("discard");
      await page.getByRole("button", { name: "Discard them" }).click();
      await page.getByText("The events were discarded.").waitFor();
      await allow();
      await theWorld().databases.documentBecomes(documentId, { title: "Edited by hand" });
      await parked(0);
      await page.getByRole("region", { name: "Singapore" }).locator("summary").click();
      await admin.shoot("dead-letters-audit");
    });
  });
}

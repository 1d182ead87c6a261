import { afterAll, describe, expect, it } from "vitest";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { readReceiptFrom, writeReceipt } from "@/__tests__/e2e/support/receipts";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";

export function withoutScriptSuite(): void {
  describe("without client JavaScript", { timeout: TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let visitor: Visitor;
    afterAll(everyoneLeaves);

    it("signs in and lists documents", async () => {
      visitor = await Visitor.arrive({ javaScriptEnabled: false });
      await visitor.page.goto("/documents");
      await visitor.page.waitForURL(/\/sign-in\?next=/);
      await visitor.shoot("no-script-sign-in");
      await visitor.signIn("writer@example.com");
      await visitor.heading("Documents").waitFor();
      await visitor.page.getByRole("link", { name: "Start here" }).waitFor();
      await visitor.shoot("no-script-documents");
    });

    it("creates a document, after a complaint about it", async () => {
      const { page } = visitor;
      await page.goto("/documents/new");
      await page.getByLabel("Title").fill("By form alone");
      await page.getByRole("button", { name: "Create document" }).click();
      await page.getByText("Write something first: a document can't be empty.").waitFor();
      expect(await page.getByLabel("Title").inputValue()).toBe("By form alone");
      await page.getByLabel("Content").fill("One.\nTwo.");
      await page.getByRole("button", { name: "Create document" }).click();
      await visitor.heading("By form alone").waitFor();
      expect(await page.getByLabel("Content").inputValue()).toBe("One.\nTwo.");
      expect(await writeReceipt(page, "Created.")).toMatchObject({ region: "us-east-1" });
      await visitor.shoot("no-script-created");
    });

    it("moves to Singapore, edits there and reads it from Dublin", async () => {
      const { page } = visitor;
      await moveTo("Singapore");
      await readReceiptFrom(page, "Singapore");
      await page.getByLabel("Title").fill("By form alone, again");
      await page.getByRole("button", { name: "Save" }).click();
      expect(await writeReceipt(page, "Saved.")).toMatchObject({ region: "ap-southeast-1" });
      await visitor.heading("By form alone, again").waitFor();
      await visitor.shoot("no-script-saved");
      await moveTo("Dublin");
      await readReceiptFrom(page, "Dublin");
      await visitor.heading("By form alone, again").waitFor();
      await visitor.shoot("no-script-from-dublin");
    });

    it("opens the receipt, and deletes the document", async () => {
      const { page } = visitor;
      await page.locator('[data-receipt="read"] summary').click();
      await page.getByText("Asked from").first().waitFor();
      await page.locator('[data-receipt="read"] summary').click();
      await page.locator("summary", { hasText: "Delete document" }).click();
      await page.getByRole("button", { name: "Delete it" }).click();
      await page.getByText("Deleted.").waitFor();
      expect(await page.getByRole("link", { name: "By form alone, again" }).count()).toBe(0);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("link", { name: "Create an account" }).waitFor();
    });

    async function moveTo(city: string): Promise<void> {
      await visitor.page.getByLabel("View from").selectOption({ label: city });
      await visitor.page.getByRole("button", { name: "Go" }).click();
    }
  });
}

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

    it("merges what two forms of the same version made of the text", async () => {
      const { page, context } = visitor;
      const second = await context.newPage();
      await second.goto(page.url());
      await page.getByLabel("Content").fill("One, changed.\nTwo.\nThree.");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved.").waitFor();

      const text = second.getByLabel("Content");
      await text.fill("One.\nTwo.\nThree, from the second form.");
      await second.getByLabel("Summary").fill("Unlike the first");
      await second.getByRole("button", { name: "Save" }).click();
      await second.getByText("between <<<<<<< and >>>>>>>").waitFor();
      await second.close();
    });

    it("decides a conflict between two summaries", async () => {
      const { page, context } = visitor;
      const second = await context.newPage();
      // Loading it again would send its form again.
      await page.goto(page.url());
      await second.goto(page.url());
      const save = async (form: typeof page, summary: string) => {
        await form.getByLabel("Summary").fill(summary);
        await form.getByRole("button", { name: "Save" }).click();
        await form.getByText("Saved.").waitFor();
      };
      await save(page, "The first form's");
      await save(second, "The second form's");
      await second.close();
      await page.goto(page.url());
      const conflicts = page.getByRole("region", { name: "Conflicts" });
      await conflicts.getByText("2 wait for your decision.").waitFor();
      await conflicts.getByRole("link", { name: "Summary" }).click();
      await page.getByRole("article").filter({ hasText: "The first form's" }).waitFor();
      expect(await page.getByRole("heading", { name: "Differences" }).isVisible()).toBe(false);
      await visitor.shoot("no-script-conflict");
      await page.getByRole("button", { name: "Take Version B" }).click();
      await page.getByText("Writer restored a version that had lost").waitFor();
      await page.getByRole("link", { name: "Open the document" }).click();
      expect(await page.getByLabel("Summary").inputValue()).toBe("The first form's");
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

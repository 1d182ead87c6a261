import { afterAll, describe, expect, it } from "vitest";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { waitFor } from "@/__tests__/support/wait-for";
import { violations } from "./accessibility";

const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"];

export function inventorySuite(): void {
  describe("the inventory", { timeout: TEST_TIMEOUT_MS }, () => {
    afterAll(everyoneLeaves);

    it("is sold in Singapore, and the buyer sees it from everywhere at once", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("reader@example.com");
      await visitor.viewFrom("Singapore");
      await page.goto("/inventory");
      const globe = page.locator('[data-product="demo-globe"]');
      // Workers have moved its share of the rights here.
      await waitFor(
        async () =>
          Number.parseInt(
            (await globe.locator('[data-rights="ap-southeast-1"] td').textContent()) ?? "",
          ) >= 5,
        { timeoutMs: 20_000, what: "rights in Singapore" },
      );
      await globe.getByLabel("Units").fill("3");
      await globe.getByRole("button", { name: "Reserve" }).click();
      await globe.getByText("Reserved 3.").waitFor();
      const buy = page.getByRole("button", { name: "Order 3 × Desk globe" });
      await buy.waitFor();
      // Another region has it on the next page, or waits until it has.
      await visitor.viewFrom("Dublin");
      await page.goto("/inventory");
      await buy.waitFor();
      expect(await page.locator('[data-reservation="held"]').count()).toBe(1);
      await visitor.shoot("inventory");
      await buy.click();
      await page.getByText("3 × Desk globe: bought").waitFor();
      // None but whole units.
      await globe.getByLabel("Units").fill("1.5");
      await globe.getByRole("button", { name: "Reserve" }).click();
      await globe.getByText("Only whole units are sold.").waitFor();
    });

    it("is sold to a crowd in all regions at once", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("writer@example.com");
      await page.goto("/inventory");
      const ticket = page.locator('[data-product="demo-ticket"]');
      const rights = async (region: string) =>
        Number.parseInt(
          ((await ticket.locator(`[data-rights="${region}"] td`).textContent()) ?? "").replaceAll(
            ",",
            "",
          ),
        );
      await waitFor(
        async () => (await Promise.all(REGIONS.map(rights))).every((units) => units >= 100),
        { timeoutMs: 20_000, what: "rights in all regions" },
      );
      await ticket.getByRole("button", { name: "Flash sale" }).click();
      await ticket.getByRole("table", { name: /^Done in/ }).waitFor({ timeout: 20_000 });
      for (const region of REGIONS) {
        const cells = await ticket.locator(`[data-sales="${region}"] td`).allTextContents();
        const [here, elsewhere, tooLate] = cells.map(Number);
        // A region that is slow to answer is passed over, as with any buyer.
        expect((here ?? NaN) + (elsewhere ?? NaN), region).toBe(20);
        expect(tooLate, region).toBe(0);
      }
      await visitor.shoot("flash-sale");
      expect(await violations(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 740 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(360);
      await visitor.shoot("flash-sale-360");
    });

    it("is answered to nobody who is not signed in", async () => {
      const { page } = await Visitor.arrive();
      const answer = await page.request.get("/api/inventory");
      expect(answer.status()).toBe(401);
      await page.goto("/inventory");
      expect(new URL(page.url()).pathname).toBe("/sign-in");
    });
  });
}

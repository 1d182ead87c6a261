import { afterAll, describe, expect, it } from "vitest";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { waitFor } from "@/__tests__/support/wait-for";
import { violations } from "./accessibility";

export function ordersSuite(): void {
  describe("orders", { timeout: TEST_TIMEOUT_MS }, () => {
    afterAll(everyoneLeaves);

    it("are placed from a reservation, paid once, and shown with their entries", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("writer@example.com");
      await visitor.viewFrom("Dublin");
      await page.goto("/orders");
      await page.getByText("You have ordered nothing yet.").waitFor();
      await page.goto("/inventory");
      const globe = page.locator('[data-product="demo-globe"]');
      await globe.getByLabel("Units").fill("2");
      await globe.getByRole("button", { name: "Reserve" }).click();
      await globe.getByText("Reserved 2.").waitFor();
      const answered = await page.request.get("/api/inventory");
      const { reservations } = (await answered.json()) as {
        reservations: { id: string; regionId: string; status: string; quantity: number }[];
      };
      const held = reservations.find(({ status, quantity }) => status === "held" && quantity === 2);
      if (!held) throw new Error("Nothing is held");
      await page.getByRole("button", { name: "Order 2 × Desk globe" }).click();
      await page.getByText("Ordered and paid.").waitFor();
      await page.getByText("2 × Desk globe: bought").waitFor();

      // The same key again, by another way: the same receipt.
      const body = { reservationId: held.id, regionId: held.regionId };
      const origin = new URL(page.url()).origin;
      const order = (key: string, from = origin) =>
        page.request.post("/api/orders", {
          headers: { origin: from, "idempotency-key": key },
          data: body,
        });
      const again = await order(held.id);
      expect(again.status()).toBe(200);
      expect(((await again.json()) as { order: { key: string } }).order.key).toBe(held.id);
      // Another key: it is not paid for twice.
      expect((await order("another")).status()).toBe(409);
      expect((await order(held.id, "https://example.com")).status()).toBe(403);

      await page.goto("/orders");
      const row = page.locator('[data-order="placed"]');
      await row.getByText("2 × Desk globe, €20.00: placed").waitFor();
      expect(await row.count()).toBe(1);
      await row.getByText("Ledger entries", { exact: true }).click();
      await row.getByRole("table", { name: "Ledger entries of 2 × Desk globe" }).waitFor();
      await page.getByText("None of your orders is unsettled now.").waitFor();
      await visitor.shoot("orders");
      expect(await violations(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 740 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(360);
      await visitor.shoot("orders-360");
    });

    it("add up to zero in all accounts, as an administrator sees", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("admin@example.com");
      await page.goto("/admin/ledger");
      await page.getByText("The sum is €0.00.").waitFor();
      await page.getByText("Each balance that is kept is the sum of its entries.").waitFor();
      await visitor.shoot("ledger");
      expect(await violations(page)).toEqual([]);
    });

    it("are answered to nobody who is not signed in, and all accounts to administrators alone", async () => {
      const { page } = await Visitor.arrive();
      expect((await page.request.get("/api/orders")).status()).toBe(401);
      await page.goto("/orders");
      expect(new URL(page.url()).pathname).toBe("/sign-in");
      const reader = await Visitor.arrive();
      await reader.signIn("reader@example.com");
      const answer = await waitFor(() => reader.page.goto("/admin/ledger"), {
        what: "an answer",
      });
      expect(answer?.status()).toBe(403);
    });
  });
}

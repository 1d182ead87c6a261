import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { waitFor } from "@/__tests__/support/wait-for";

const VIRGINIA = "us-east-1";
const REASON = "Virginia is well again";

/** Of detection, election or recovery, and of a page that polls. */
const NOTICE_MS = 40_000;

/** The leader's database is lost while an operator has the lab open in one tab and looks at others. */
export function watchingSuite(): void {
  describe("an operator who loses the leader", { timeout: 2 * TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let lab: Visitor;
    /** The dashboard on a desk in light colours, and on a telephone in dark ones. */
    let desk: Visitor;
    let phone: Visitor;

    const card = (page: Page, region: string) => page.locator(`article[data-region="${region}"]`);
    const latest = (page: Page) =>
      page.getByRole("region", { name: "History" }).getByRole("listitem").first();

    async function onEach(look: (page: Page) => Promise<unknown>): Promise<void> {
      await Promise.all([desk, phone].map(({ page }) => look(page)));
    }
    async function shootEach(name: string): Promise<void> {
      await desk.shoot(name);
      await phone.shoot(`${name}-dark`);
    }
    async function leads(page: Page, region: string): Promise<void> {
      const leading = card(page, region).locator("[data-leading]");
      await leading.waitFor({ timeout: NOTICE_MS });
    }

    beforeAll(async () => {
      [lab, desk, phone] = await Promise.all([
        Visitor.arrive(),
        Visitor.arrive({ colorScheme: "light" }),
        Visitor.arrive({ colorScheme: "dark", viewport: { width: 390, height: 844 } }),
      ]);
      for (const visitor of [lab, desk, phone]) await visitor.signIn("admin@example.com");
      await lab.page.goto("/admin/lab");
      await lab.page.locator(`[data-region="${VIRGINIA}"][data-leads]`).waitFor();
      await onEach((page) => page.goto("/admin"));
      await onEach((page) => leads(page, VIRGINIA));
    }, TEST_TIMEOUT_MS);
    afterAll(async () => {
      await theWorld().planet.control("POST", "/reset");
      await everyoneLeaves();
    });

    it("sees that it is lost, and that another region leads", async () => {
      await lab.page.locator(`[data-region="${VIRGINIA}"][data-leads]`).click();
      await lab.page.getByRole("button", { name: "Kill it and keep it down" }).click();
      await onEach(async (page) => {
        const down = page.locator(`article[data-region="${VIRGINIA}"][data-condition="down"]`);
        await down.waitFor({ timeout: NOTICE_MS });
        await page.locator('[data-alarm="region-unreachable"]').waitFor({ timeout: NOTICE_MS });
        // Whichever is elected, and Virginia is not shown as leading beside it.
        await latest(page).getByText("Completed").waitFor({ timeout: NOTICE_MS });
        await latest(page).getByText("Automatic failover").waitFor();
        await latest(page).getByText("promise").waitFor();
        const leading = page.locator("article[data-region] [data-leading]");
        await waitFor(async () => (await leading.count()) === 1, {
          what: "one region to be shown as leading",
          timeoutMs: NOTICE_MS,
        });
        expect(await card(page, VIRGINIA).locator("[data-leading]").count()).toBe(0);
      });
      await shootEach("lost-leader");
    });

    it("sees it come back, and follow", async () => {
      await lab.page.getByRole("button", { name: "Bring it back now" }).click();
      await onEach(async (page) => {
        const well = page.locator(`article[data-region="${VIRGINIA}"][data-condition="healthy"]`);
        await well.waitFor({ timeout: NOTICE_MS });
        expect(await card(page, VIRGINIA).locator("[data-leading]").count()).toBe(0);
      });
    });

    it("promotes it again by typing its name, at either width", async () => {
      const { page } = phone;
      const candidate = page.locator(`[data-candidate="${VIRGINIA}"]`);
      await candidate
        .getByText("Switch over: it costs next to nothing.")
        .waitFor({ timeout: NOTICE_MS });
      const name = "Switch over to Virginia";
      await candidate.getByRole("button", { name }).click();
      await candidate.getByLabel("Reason").fill(REASON);
      await candidate.getByLabel(/^Type “/).fill(VIRGINIA);
      await candidate.getByRole("button", { name }).click();
      await onEach(async (each) => {
        await leads(each, VIRGINIA);
        await latest(each).getByText(REASON).waitFor({ timeout: NOTICE_MS });
        await latest(each).getByText("Completed").waitFor({ timeout: NOTICE_MS });
      });
      await shootEach("leader-again");
    });

    it("finds in the audit who asked for it", async () => {
      await onEach(async (page) => {
        await page.getByRole("link", { name: "Audit" }).click();
        const entry = page.locator('[data-action="leadership.switchover"]').first();
        await entry.getByText(REASON).waitFor();
        expect(await entry.textContent()).toContain(`asked for a switchover to ${VIRGINIA}`);
      });
      await shootEach("audit");
      await theWorld().databases.settled();
    });
  });
}

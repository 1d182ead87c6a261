import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "@/__tests__/support/wait-for";
import { withPaused } from "@/__tests__/e2e/support/faults";
import { LiveText } from "@/__tests__/e2e/support/live-text";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { violations } from "./accessibility";

const EMAIL = "ida@example.org";
const PASSWORD = "a long enough secret";
const NARROW_PX = 360;
const COUNT = 60;
const PAGE = 25;

/** "Log 01" was changed last; "Log 60" comes last by title, too. */
const TITLES = Array.from({ length: COUNT }, (_, n) => `Log ${String(n + 1).padStart(2, "0")}`);

/** Not of `main` alone: without JavaScript what comes late stands after it. */
const shown = (page: Page) => page.locator("li h2").allTextContents();

async function fitsAt(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 740 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide, `${page.url()} at ${width} px`).toBeLessThanOrEqual(width);
}

export function documentsAppSuite(): void {
  describe("documents as a product", { timeout: TEST_TIMEOUT_MS }, () => {
    let ada: Visitor;

    beforeAll(async () => {
      ada = await Visitor.arrive();
      await ada.signUp({ name: "Ada", email: EMAIL, password: PASSWORD });
      const { databases } = theWorld();
      await databases.addDocuments(EMAIL, TITLES);
      await databases.settled();
    });
    afterAll(everyoneLeaves);

    for (const javaScriptEnabled of [true, false]) {
      const name = javaScriptEnabled ? "with" : "without";
      it(`are paged, sorted and searched in the address, ${name} JavaScript`, async () => {
        const visitor = await Visitor.arrive({ javaScriptEnabled });
        const { page } = visitor;
        await visitor.signIn(EMAIL, PASSWORD);
        await visitor.heading("Documents").waitFor();
        expect(await shown(page)).toEqual(TITLES.slice(0, PAGE));
        await visitor.shoot(`list-${name}-script`);
        await page.getByRole("link", { name: "Next" }).click();
        await page.getByRole("link", { name: "Log 26", exact: true }).waitFor();
        expect(await shown(page)).toEqual(TITLES.slice(PAGE, 2 * PAGE));
        await page.getByRole("link", { name: "Next" }).click();
        await page.getByRole("link", { name: "Log 60", exact: true }).waitFor();
        expect(await page.getByRole("link", { name: "Next" }).count()).toBe(0);
        await page.getByRole("link", { name: "Previous" }).click();
        await page.getByRole("link", { name: "Log 26", exact: true }).waitFor();
        expect(await shown(page)).toEqual(TITLES.slice(PAGE, 2 * PAGE));

        await page.getByLabel("Order").getByRole("link", { name: "Title" }).click();
        await page.waitForURL(/sort=title/);
        await page.getByRole("link", { name: "Log 01", exact: true }).waitFor();
        await page.getByRole("searchbox").fill("log 4");
        await page.getByRole("button", { name: "Search" }).click();
        await page.waitForURL(/q=log\+4/);
        await page.getByRole("link", { name: "Log 39" }).waitFor({ state: "detached" });
        expect(page.url()).toContain("sort=title");
        expect(await shown(page)).toEqual(TITLES.filter((title) => title.includes("4")));

        await page.getByRole("searchbox").fill("nowhere");
        await page.getByRole("button", { name: "Search" }).click();
        await page.getByRole("heading", { name: "Nothing matches “nowhere”" }).waitFor();
        await visitor.shoot(`no-match-${name}-script`);
        await page.getByRole("link", { name: "Show all documents" }).click();
        await page.getByRole("link", { name: "Log 01", exact: true }).waitFor();
        await visitor.leave();
      });
    }

    it("answer with the right status, whatever is asked for", async () => {
      const { page } = ada;
      for (const [path, status] of [
        ["/documents?after=junk&sort=owner&q=%00", 200],
        ["/documents/unknown", 404],
        ["/documents/unknown/versions", 404],
        ["/documents/demo-reading-list", 404],
        ["/conflicts/unknown", 404],
        ["/nothing-here", 404],
      ] as const) {
        expect((await page.goto(path))?.status(), path).toBe(status);
      }
      const stranger = await Visitor.arrive();
      const answer = await stranger.context.request.get("/documents", { maxRedirects: 0 });
      expect(answer.status()).toBe(307);
      await stranger.leave();
    });

    it("are reached by keys, which are listed and rest while one types", async () => {
      const { page } = ada;
      await page.goto("/");
      await page.getByRole("button", { name: "Keyboard shortcuts" }).waitFor();
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
      await ada.shoot("shortcuts");
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("n");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await page.keyboard.press("/");
      await page.waitForURL(/\/documents\?find/);
      const search = page.getByRole("searchbox");
      await waitFor(async () => search.evaluate((node) => node === document.activeElement), {
        what: "the search field to have the focus",
      });
      await page.keyboard.type("n/?");
      expect(await search.inputValue()).toBe("n/?");
      await search.evaluate((node) => node.blur());
      await page.keyboard.press("n");
      await page.waitForURL("/documents/new");
    });

    it("store their title while it is typed, and keep it while offline", async () => {
      const { page } = ada;
      const id = await ada.createDocument("Draft", "Some text.");
      await new LiveText(page).ready();
      const title = page.getByLabel("Title");
      const state = page.locator("[data-title-state]");
      await title.fill("Draft, named");
      await state.filter({ hasText: /Saved in Virginia/ }).waitFor();
      await title.blur();
      await ada.heading("Draft, named").waitFor();
      await page.getByText("History, 1 saved version").waitFor();

      await ada.context.setOffline(true);
      await title.fill("Draft, named offline");
      await state.filter({ hasText: /Offline: the title is kept here/ }).waitFor();
      await ada.shoot("title-offline");
      await ada.context.setOffline(false);
      await state.filter({ hasText: /Saved in Virginia/ }).waitFor();
      // The keys save what else there is, a version among it.
      await title.press("Control+s");
      await page.getByText("Saved.").waitFor();
      await page.reload();
      expect(await title.inputValue()).toBe("Draft, named offline");
      const { databases } = theWorld();
      await databases.settled();
      const stored = await databases.document(id);
      expect(stored.map((row) => row.title)).toEqual(Array(3).fill("Draft, named offline"));
    });

    it("take a title from nobody who may not write it", async () => {
      const { web } = theWorld();
      const reader = await Visitor.arrive();
      await reader.signIn("reader@example.com");
      const patch = async (visitor: Visitor, id: string, data: unknown, origin = web) =>
        (
          await visitor.context.request.patch(`/api/documents/${id}/title`, {
            data,
            headers: { origin },
          })
        ).status();
      const change = { title: "Forged", baseVersion: {} };
      const stranger = await Visitor.arrive();
      expect(await patch(stranger, "demo-start-here", change)).toBe(401);
      expect(await patch(reader, "demo-start-here", change)).toBe(403);
      expect(await patch(ada, "demo-start-here", change)).toBe(404);
      expect(await patch(reader, "demo-reading-list", change, "https://example.org")).toBe(403);
      expect(await patch(reader, "demo-reading-list", { title: "" })).toBe(422);
      await reader.page.goto("/documents/demo-reading-list");
      await reader.heading("Reading list").waitFor();
      await reader.leave();
      await stranger.leave();
    });

    it("say on every page that Redis is away", async () => {
      const { page } = ada;
      await withPaused("redis", async () => {
        await page.goto("/documents");
        await page.getByText("Redis is away.").waitFor({ timeout: 40_000 });
        await ada.shoot("redis-away");
      });
      await page.getByText("Redis is away.").waitFor({ state: "detached", timeout: 40_000 });
    });

    it("explain a read that had to go elsewhere, in a picture that fits a small screen", async () => {
      const { page } = ada;
      await withPaused("worker-ap-southeast-1", async () => {
        await ada.viewFrom("Virginia");
        await ada.createDocument("Not there yet", "Singapore has to wait.");
        await ada.viewFrom("Singapore");
        await page.locator('[data-receipt="read"][data-reason="redirected-behind"]').waitFor();
      });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const receipt = page.locator('[data-receipt="read"] summary').first();
        await receipt.click();
        const picture = page.getByRole("img", { name: /Singapore \(asked from here\) lacks some/ });
        await picture.waitFor();
        await ada.shoot(`receipt-picture-${colorScheme}`);
        await fitsAt(page, NARROW_PX);
        const box = await picture.boundingBox();
        expect(box!.x + box!.width).toBeLessThanOrEqual(NARROW_PX);
        expect(await violations(page)).toEqual([]);
        await page.setViewportSize({ width: 1440, height: 900 });
        await receipt.click();
      }
      await page.emulateMedia({ colorScheme: "light" });
      await ada.viewFrom("Virginia");
    });

    it("are introduced on a front page that says how the regions are", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.goto("/");
        const regions = page.getByRole("list", { name: "Regions" });
        await regions.getByText("leads", { exact: false }).first().waitFor();
        expect(await regions.getByRole("listitem").count()).toBe(3);
        await page.getByRole("link", { name: "Sign in to the fault lab" }).waitFor();
        await visitor.shoot(`front-page-${colorScheme}`);
        expect(await violations(page)).toEqual([]);
        await fitsAt(page, NARROW_PX);
      }
      // What is on its way meanwhile is not asked for again, and what is known stays.
      await visitor.context.route("**/api/regions/status", (route) => route.abort());
      await page.getByText("This server does not answer.").waitFor({ timeout: 20_000 });
      await visitor.leave();
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stepsInOrder } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { waitFor } from "@/__tests__/support/wait-for";
import type { PlanetState } from "@/lib/lab/planet-state";
import type { StoryId } from "@/lib/lab/stories/progress";

const VIRGINIA = "us-east-1";

/** A story waits for elections, and for a database that starts again. */
const STORY_MS = 150_000;
const TEST_MS = 200_000;

/** What a deletion takes to be made and to be everywhere. */
const CLEAN_MS = 60_000;

export function labSuite(): void {
  describe("an administrator in the fault lab", { timeout: TEST_MS }, () => {
    stepsInOrder();
    let admin: Visitor;

    const planet = () => theWorld().planet.control<PlanetState>("GET", "/state");
    const panel = () => admin.page.locator("[data-violations]");

    async function isWhole(): Promise<void> {
      await waitFor(
        async () => {
          const { links, processes, clocks } = await planet();
          const open = links.every(
            ({ state, delayMs, usualDelayMs }) => state.kind === "open" && delayMs === usualDelayMs,
          );
          const right = clocks.length === 3 && clocks.every(({ aheadMs }) => aheadMs === 0);
          return open && right && processes.every(({ state }) => state === "running");
        },
        { what: "the planet to be whole", timeoutMs: 30_000 },
      );
    }

    async function openLab(): Promise<void> {
      await admin.page.goto("/admin/lab");
      await admin.page.locator("[data-region][data-leads]").waitFor();
    }

    async function count(name: string): Promise<number> {
      const text = await admin.page.locator(`[data-count="${name}"]`).textContent();
      return Number(text?.replace(/,/g, ""));
    }

    async function runs(story: StoryId): Promise<void> {
      const { page } = admin;
      await page.locator(`[data-story-card="${story}"] button`).click();
      const progress = page.locator(`[data-story="${story}"]`);
      await progress.and(page.locator('[data-story-status="running"]')).waitFor();
      await progress.and(page.locator("[data-story-violations]")).waitFor({ timeout: STORY_MS });
      expect(await progress.getAttribute("data-story-status"), await progress.innerText()).toBe(
        "passed",
      );
      expect(await progress.getAttribute("data-story-violations")).toBe("0");
      expect(await panel().getAttribute("data-violations")).toBe("0");
      for (const name of ["lost", "stale", "dual", "divergent"]) expect(await count(name)).toBe(0);
      expect(await count("acknowledged")).toBeGreaterThan(20);
      expect(await count("reads")).toBeGreaterThan(0);
    }

    beforeAll(async () => {
      admin = await Visitor.arrive();
      await admin.signIn("admin@example.com");
    });
    afterAll(async () => {
      await theWorld().planet.control("POST", "/reset");
      await everyoneLeaves();
      // The suites after this one expect the leader that they know.
      await waitFor(handBack, { what: "Virginia to lead again", timeoutMs: 60_000 });
      await theWorld().databases.settled();
    }, 120_000);

    async function handBack(): Promise<boolean> {
      const leads = `${theWorld().web}/api/health/leader?region=${VIRGINIA}`;
      if ((await fetch(leads)).status === 200) return true;
      const { databases } = theWorld();
      const [now] = await databases.rows<{ leader: string }>(
        VIRGINIA,
        "SELECT leader FROM mr.leadership",
      );
      await databases.rows(
        VIRGINIA,
        "SELECT mr.request_leadership(gen_random_uuid()::text, 'switchover', $1, 'the lab is closed', 'e2e')",
        [now!.leader],
      );
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return false;
    }

    it("gets there from the regions, and nobody else does", async () => {
      const reader = await Visitor.arrive();
      await reader.signIn("reader@example.com");
      const stranger = await Visitor.arrive();
      for (const path of ["state", "faults", "load", "story", "reset", "leave"]) {
        const ask = (visitor: Visitor) =>
          path === "state"
            ? visitor.context.request.get(`/api/lab/${path}`)
            : visitor.context.request.post(`/api/lab/${path}`, { data: {} });
        expect((await ask(stranger)).status(), path).toBe(401);
        expect((await ask(reader)).status(), path).toBe(403);
      }
      await reader.page.goto("/admin/lab");
      await reader.page
        .getByText(/administrators/i)
        .first()
        .waitFor();
      await reader.leave();
      await stranger.leave();
      await admin.page.goto("/admin");
      await admin.page.getByRole("link", { name: "Fault lab" }).click();
      await admin.heading("Fault lab").waitFor();
      await admin.page.locator("[data-region][data-leads]").waitFor();
      await admin.shoot("lab");
      await admin.page.setViewportSize({ width: 1440, height: 900 });
    });

    it("kills Virginia while somebody types", () => runs("kill-virginia"));

    it("edits on both sides of a cut, and finds the conflict", async () => {
      await runs("both-sides");
      const link = admin.page.getByRole("link", { name: /Open the conflict/ });
      expect(await link.getAttribute("href")).toMatch(/^\/admin\/conflicts\/.+/);
    });

    it("sees that the old leader comes back to nothing", async () => {
      await runs("old-leader");
      await admin.shoot("lab-after-the-stories");
      await admin.page.setViewportSize({ width: 1440, height: 900 });
    });

    it("breaks things by keyboard, and mends them by one button", async () => {
      const { page } = admin;
      await page.getByRole("button", { name: /^Link Virginia–Singapore/ }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Cut Virginia → Singapore" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: /Virginia–Singapore: cut one way/ }).waitFor();
      const [there] = (await planet()).links.filter(
        ({ from, to }) => from === VIRGINIA && to === "ap-southeast-1",
      );
      expect(there?.state).toEqual({ kind: "cut", direction: "to-target" });
      const dublin = page.locator('[data-region="eu-west-1"]');
      await dublin.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Set the clock 5 s ahead" }).focus();
      await page.keyboard.press("Enter");
      await dublin.getByText("clock 5 s ahead").waitFor();
      const [clock] = await theWorld().databases.rows<{ ms: number }>(
        "eu-west-1",
        "SELECT (mr.hlc_now() >> 16)::float8 AS ms",
      );
      expect(clock!.ms - Date.now()).toBeGreaterThan(4_000);
      await page.locator("[data-redis]").click();
      await page.getByRole("button", { name: "Kill it and keep it down" }).click();
      await page.locator('[data-redis="held"]').waitFor();
      await page.getByRole("button", { name: "Reset everything" }).click();
      await page.locator('[data-redis="running"]').waitFor();
      await isWhole();
    });

    it("mends everything by leaving, and deletes what it wrote", async () => {
      const { page } = admin;
      await openLab();
      await page.getByRole("switch", { name: "Load" }).click();
      await page.locator('[data-region="eu-west-1"]').click();
      await page.getByRole("button", { name: "Pause the database" }).click();
      await page.locator('[data-region="eu-west-1"][data-database="stopped"]').waitFor();
      await page.getByRole("link", { name: "Documents" }).click();
      await admin.heading("Documents").waitFor();
      await isWhole();
      const { databases } = theWorld();
      await waitFor(
        async () => {
          const [left] = await databases.rows<{ left: number }>(
            VIRGINIA,
            `SELECT ((SELECT count(*) FROM "LabRow" WHERE "deletedAt" IS NULL)
               + (SELECT count(*) FROM "Document" WHERE "deletedAt" IS NULL
                  AND title LIKE 'Fault lab%'))::int AS left`,
          );
          return left?.left === 0;
        },
        { what: "the lab's rows to be deleted", timeoutMs: CLEAN_MS },
      );
      await databases.settled();
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { waitFor } from "@/__tests__/support/wait-for";
import type { FailoverRecord } from "@/lib/failover-shape";

const VIRGINIA = "us-east-1";
const DUBLIN = "eu-west-1";

/** Of an attempt with writes under way, and of the page that polls. */
const ATTEMPT_MS = 30_000;

export function leadershipSuite(): void {
  describe("an administrator who changes who leads", { timeout: TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let admin: Visitor;
    afterAll(everyoneLeaves);

    const candidate = (region: string) => admin.page.locator(`[data-candidate="${region}"]`);

    async function ask(path: string): Promise<{ status: number; body: unknown; text: string }> {
      const response = await fetch(`${theWorld().web}${path}`);
      const text = await response.text();
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(text).not.toMatch(/postgres|127\.0\.0\.1|localhost|password/i);
      return { status: response.status, body: JSON.parse(text) as unknown, text };
    }

    async function leads(region: string): Promise<void> {
      await waitFor(async () => (await ask(`/api/health/leader?region=${region}`)).status === 200, {
        what: `${region} to lead`,
        timeoutMs: ATTEMPT_MS,
      });
    }

    async function switchOver(region: string, city: string, typed = region): Promise<void> {
      const name = `Switch over to ${city}`;
      await candidate(region).getByRole("button", { name }).click();
      await candidate(region).getByLabel("Reason").fill("An upgrade of the region");
      await candidate(region)
        .getByLabel(/^Type “/)
        .fill(typed);
      await candidate(region).getByRole("button", { name }).click();
    }

    beforeAll(async () => {
      admin = await Visitor.arrive();
      await admin.signIn("admin@example.com");
      await admin.page.goto("/admin");
      await leads(VIRGINIA);
    });

    it("sees what each region would cost", async () => {
      await candidate(VIRGINIA).getByText("leads in epoch").waitFor();
      for (const region of [DUBLIN, "ap-southeast-1"]) {
        const fit = candidate(region).getByText("Switch over: it costs next to nothing.");
        await fit.waitFor({ timeout: ATTEMPT_MS });
        expect(await candidate(region).getByText("unknown").count()).toBe(0);
      }
      await admin.shoot("failover-preview");
    });

    it("has to type the region's name", async () => {
      await switchOver(DUBLIN, "Dublin", "Dublin");
      await candidate(DUBLIN).getByText("Type the id of the region to confirm.").waitFor();
      await admin.shoot("failover-unconfirmed");
      await leads(VIRGINIA);
      await candidate(DUBLIN).getByRole("button", { name: "Cancel" }).click();
    });

    it("hands over to Dublin, and sees the attempt with its steps in the history", async () => {
      const { page } = admin;
      await switchOver(DUBLIN, "Dublin");
      await leads(DUBLIN);
      const done = page.getByRole("region", { name: "History" }).getByRole("listitem").first();
      await done.getByText("Completed").waitFor({ timeout: ATTEMPT_MS });
      await done.getByText("An upgrade of the region").waitFor();
      await done.getByText("release").waitFor();
      await candidate(DUBLIN).getByText("leads in epoch").waitFor({ timeout: ATTEMPT_MS });
      await page.locator(`article[data-region="${DUBLIN}"] [data-leading]`).waitFor();
      await admin.shoot("failover-done");
    });

    it("has the health endpoints follow", async () => {
      expect((await ask("/api/health/live")).status).toBe(200);
      expect((await ask("/api/health/ready")).status).toBe(200);
      expect((await ask(`/api/health/leader?region=${VIRGINIA}`)).body).toEqual({
        status: "not-leader",
        region: VIRGINIA,
        reason: "follows",
        leader: DUBLIN,
      });
      expect((await ask("/api/health/leader?region=mars-1")).status).toBe(400);
      expect((await ask("/api/health/replica")).status).toBe(200);
      expect((await ask(`/api/health/replica?region=${VIRGINIA}&maxLagMs=30000`)).status).toBe(200);
      expect((await ask(`/api/health/replica?region=${VIRGINIA}&maxLagMs=0`)).status).toBe(503);
      expect((await ask("/api/health/replica?maxLagMs=-1")).status).toBe(400);
    });

    it("is told more than anybody else", async () => {
      const [latest] = (await ask("/api/regions/failovers")).body as FailoverRecord[];
      expect(latest).toMatchObject({ toRegion: DUBLIN, status: "completed", reason: "on request" });
      expect(latest).not.toHaveProperty("requestedBy");
      expect((await ask("/api/regions/failover/preview")).status).toBe(401);
      expect((await ask("/api/regions/stranded")).status).toBe(401);
      const own = await admin.context.request.get("/api/regions/failovers");
      const [detailed] = (await own.json()) as FailoverRecord[];
      expect(detailed).toMatchObject({ reason: "An upgrade of the region" });
      expect(detailed).toHaveProperty("requestedBy");
      // No page of ours sent it, so the cookie does not count.
      const foreign = await admin.context.request.post("/api/regions/failover", {
        data: { toRegion: VIRGINIA, reason: "x", confirm: VIRGINIA },
        headers: { origin: "https://elsewhere.example" },
      });
      expect(foreign.status()).toBe(403);
    });

    it("pauses and resumes", async () => {
      const { page } = admin;
      for (const [word, label, seen] of [
        ["pause", "Pause failover", "Resume failover"],
        ["resume", "Resume failover", "Pause failover"],
      ] as const) {
        await page.getByRole("button", { name: label }).click();
        const form = page.getByRole("form", { name: label });
        await form.getByLabel("Reason").fill("Maintenance");
        await form.getByLabel(/^Type “/).fill(word);
        await form.getByRole("button", { name: label }).click();
        await page.getByRole("button", { name: seen }).waitFor();
        if (word === "pause") {
          await page.getByText("Failover is paused.").waitFor();
          await admin.shoot("failover-paused");
        }
      }
    });

    it("hands back to Virginia", async () => {
      const fit = candidate(VIRGINIA).getByText("Switch over: it costs next to nothing.");
      await fit.waitFor({ timeout: ATTEMPT_MS });
      await switchOver(VIRGINIA, "Virginia");
      await leads(VIRGINIA);
      await candidate(VIRGINIA).getByText("leads in epoch").waitFor({ timeout: ATTEMPT_MS });
      const { databases } = theWorld();
      await databases.settled();
      const audits = await databases.rows(
        VIRGINIA,
        "SELECT subject, result FROM mr.list_audit('leadership.switchover', 1)",
      );
      expect(audits).toEqual([{ subject: VIRGINIA, result: "requested" }]);
    });
  });
}

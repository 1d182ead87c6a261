import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { act, withPaused } from "@/__tests__/e2e/support/faults";
import { readReceiptFrom } from "@/__tests__/e2e/support/receipts";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { waitFor } from "@/__tests__/support/wait-for";
import type { RegionStatus } from "@/lib/region-status-shape";

const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"];

/** Of the dashboard, which polls, and of the regions, which have to be believed again. */
const NOTICE_MS = 30_000;

const card = (page: Page, region: string) => page.locator(`article[data-region="${region}"]`);

async function becomes(page: Page, region: string, condition: string): Promise<void> {
  const wanted = page.locator(`article[data-region="${region}"][data-condition="${condition}"]`);
  await wanted.waitFor({ timeout: NOTICE_MS });
}

async function allHealthy(page: Page): Promise<void> {
  for (const region of REGIONS) await becomes(page, region, "healthy");
  // A page that polls may have asked again since the first of them was looked at.
  await waitFor(async () => (await page.locator('[data-lag="ok"]').count()) === 6, {
    what: "each region to know its lag behind both others",
    timeoutMs: NOTICE_MS,
  });
}

const ADMIN_PAGES = [
  "/admin",
  "/admin/audit",
  "/admin/conflicts",
  "/admin/conflicts/unknown",
  "/admin/dead-letters",
  "/admin/dead-letters/row?region=us-east-1&entity=Document&id=x",
  "/admin/lab",
];

export function regionsSuite(): void {
  describe("regions that fail", { timeout: TEST_TIMEOUT_MS }, () => {
    let admin: Visitor;

    beforeAll(async () => {
      admin = await Visitor.arrive();
      await admin.signIn("admin@example.com");
      await admin.page.goto("/admin");
    });
    afterAll(everyoneLeaves);

    it("shows every region healthy, with its lag behind each other", async () => {
      const { page } = admin;
      await allHealthy(page);
      expect(await page.getByRole("article").count()).toBe(3);
      for (const region of REGIONS) {
        expect(await card(page, region).locator('[data-lag="ok"]').count()).toBe(2);
      }
      expect(await card(page, "us-east-1").getByText("Leader").count()).toBe(1);
      const dashboard = page.getByRole("region", { name: "Regions", exact: true });
      expect(await dashboard.getByText("Leader").count()).toBe(1);
      await page.getByText("Bus Redis").waitFor();
      await admin.shoot("regions");
    });

    it("tells the dashboard to nobody but administrators", async () => {
      const plain = await Visitor.arrive();
      for (const path of ADMIN_PAGES) {
        const anonymous = await plain.page.goto(path);
        expect([path, anonymous?.status()]).toEqual([path, 401]);
        await plain.page.getByLabel("E-mail address").waitFor();
      }
      await plain.signIn("writer@example.com");
      expect(await plain.page.getByRole("link", { name: "Regions" }).count()).toBe(0);
      for (const path of ADMIN_PAGES) {
        const refused = await plain.page.goto(path);
        expect([path, refused?.status()]).toEqual([path, 403]);
        await plain.heading("For administrators").waitFor();
        expect(await plain.page.getByRole("article").count()).toBe(0);
      }
      await plain.shoot("regions-refused");
      await plain.leave();
    });

    it("moves the dashboard to where the administrator is", async () => {
      const { page } = admin;
      await admin.viewFrom("Singapore");
      await page.getByText("As seen from Singapore").waitFor();
      await allHealthy(page);
      await admin.viewFrom("Virginia");
      await page.getByText("As seen from Virginia").waitFor();
    });

    it("recovers from kill -9 of a worker", async () => {
      const { planet, databases } = theWorld();
      const workerPid = () => {
        return planet.cluster().regions.find(({ id }) => id === "eu-west-1")!.workerPid;
      };
      const before = workerPid();
      // Paused first: the launcher restarts a killed one before the dashboard has to notice.
      await act("worker-eu-west-1", "stop");
      await databases.rows(
        "us-east-1",
        `INSERT INTO "Document" (id, title, "ownerId") VALUES ('while-away', 'While away', 'none')`,
      );
      await card(admin.page, "eu-west-1")
        .and(admin.page.locator(':not([data-condition="healthy"])'))
        .waitFor({ timeout: NOTICE_MS });
      await admin.shoot("worker-away");
      expect(await databases.document("while-away")).toHaveLength(2);

      process.kill(before!, "SIGKILL");
      await waitFor(async () => (await databases.document("while-away")).length === 3, {
        what: "the row that was written meanwhile",
        timeoutMs: NOTICE_MS,
      });
      await allHealthy(admin.page);
      expect(workerPid()).not.toBe(before);
      await admin.shoot("worker-back");
    });

    it("serves documents while their region's database hangs", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("writer@example.com");
      await page.goto("/documents/demo-start-here");
      await visitor.viewFrom("Singapore");
      expect(await readReceiptFrom(page, "Singapore")).toMatchObject({ region: "ap-southeast-1" });
      await withPaused("postgres-ap-southeast-1", async () => {
        await page.reload();
        await visitor.heading("Start here").waitFor();
        const receipt = await readReceiptFrom(page, "Singapore");
        expect(receipt.reason).toBe("redirected-down");
        expect(receipt.region).not.toBe("ap-southeast-1");
        await visitor.shoot("region-down");
        // Known by now: nobody waits for it again.
        const startedMs = performance.now();
        await page.reload();
        await visitor.heading("Start here").waitFor();
        expect(performance.now() - startedMs).toBeLessThan(2_000);

        await becomes(admin.page, "ap-southeast-1", "down");
        await admin.page.getByText("Unreachable").waitFor();
        // Nobody can know what a region that is silent has written.
        for (const region of ["us-east-1", "eu-west-1"])
          await becomes(admin.page, region, "unknown");
        await admin.shoot("region-unreachable");
      });
      await allHealthy(admin.page);
      await waitFor(
        async () => {
          await page.reload();
          return (await readReceiptFrom(page, "Singapore")).region === "ap-southeast-1";
        },
        { what: "Singapore to serve again", timeoutMs: NOTICE_MS },
      );
      await visitor.leave();
    });

    it("says that the bus is degraded while Redis hangs, and works", async () => {
      const visitor = await Visitor.arrive();
      await visitor.signIn("writer@example.com");
      await withPaused("redis", async () => {
        await admin.page.getByText("Degraded bus: Redis is not reachable.").waitFor();
        await admin.shoot("degraded");
        const id = await visitor.createDocument("Without Redis", "Slower, not lost.");
        await visitor.viewFrom("Singapore");
        await readReceiptFrom(visitor.page, "Singapore");
        await visitor.heading("Without Redis").waitFor();
        await visitor.shoot("written-without-redis");
        const { databases } = theWorld();
        await waitFor(async () => (await databases.document(id)).length === 3, {
          what: "the document in all regions without Redis",
          timeoutMs: NOTICE_MS,
        });
      });
      await admin.page.getByText("Bus Redis").waitFor({ timeout: NOTICE_MS });
      await allHealthy(admin.page);
      await visitor.leave();
    });

    it("tells anonymous callers no addresses and no details", async () => {
      const { web } = theWorld();
      const response = await fetch(`${web}/api/regions/status`);
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("no-store");
      const text = await response.text();
      expect(text).not.toMatch(/postgres|redis:|127\.0\.0\.1|localhost|password|detail|endpoint/i);
      const regions = JSON.parse(text) as RegionStatus[];
      expect(regions.map(({ regionId }) => regionId)).toEqual(REGIONS);
      for (const region of regions) {
        expect(Object.keys(region).sort()).toEqual(
          [
            ...["bus", "checkedAt", "city", "epoch", "healthy", "isPrimary", "latencyMs"],
            ...["leading", "leaseRemainingMs", "name", "paused", "pendingWrites", "regionId"],
            "replicationLag",
          ].sort(),
        );
      }
    });
  });
}

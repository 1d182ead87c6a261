import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withCut } from "@/__tests__/e2e/support/faults";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { waitFor } from "@/__tests__/support/wait-for";
import { violations } from "./accessibility";

const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"];
const PARTED = ["us-east-1", "ap-southeast-1"] as const;
const SLUG = "tides";
const EDIT = `/content/manage/${SLUG}`;
const HERS = "Tides, as seen from Virginia.";
const HIS = "Tides, as seen from Singapore.";
const BOTH = "Tides, as seen from both.";

export function contentSuite(): void {
  describe("articles", { timeout: TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let author: Visitor;
    let reviewer: Visitor;
    let stranger: Visitor;

    beforeAll(async () => {
      [author, reviewer, stranger] = [
        await Visitor.arrive(),
        await Visitor.arrive(),
        await Visitor.arrive(),
      ];
      await author.signIn("writer@example.com");
      await reviewer.signIn("admin@example.com");
      await reviewer.viewFrom("Singapore");
    });
    afterAll(everyoneLeaves);

    async function press(visitor: Visitor, name: string): Promise<void> {
      await visitor.page.getByRole("button", { name, exact: true }).click();
    }

    async function saveText(visitor: Visitor, text: string): Promise<void> {
      const field = visitor.page.getByLabel("Text", { exact: true });
      // The page may come alive between the selection of the old text and its replacement.
      await expect
        .poll(async () => {
          await field.fill(text);
          return field.inputValue();
        })
        .toBe(text);
      await visitor.save();
    }

    async function publish(): Promise<void> {
      await author.page.goto(EDIT);
      await press(author, "Send for review");
      await author.page.locator('[data-status="in-review"]').waitFor();
      await reviewer.page.goto(EDIT);
      await press(reviewer, "Publish now");
      await reviewer.page.locator('[data-status="published"]').waitFor();
    }

    it("shows everybody what is public, and nobody what is drafted", async () => {
      const { page } = stranger;
      await page.goto("/content");
      await page.getByRole("link", { name: "One page, three regions" }).waitFor();
      expect(await page.getByRole("link", { name: "Written in two places" }).count()).toBe(0);
      await stranger.shoot("articles");
      await page.getByRole("link", { name: "One page, three regions" }).click();
      await stranger.heading("One page, three regions").waitFor();
      await page.locator('[data-public-receipt="us-east-1"]').waitFor();
      await stranger.shoot("article");
      expect((await page.goto("/content/written-in-two-places"))?.status()).toBe(404);
      expect((await page.goto("/content/Not%20a%20slug"))?.status()).toBe(404);
      await page.goto("/content/manage");
      expect(new URL(page.url()).pathname).toBe("/sign-in");
    });

    it("is written by an author and published by a reviewer in another region", async () => {
      const { page } = author;
      await page.goto("/content/manage/new");
      await page.getByLabel("Title").fill("Tides");
      await page.getByLabel("Address").fill("Not an address");
      await page.getByLabel("Text", { exact: true }).fill("Twice a day.");
      await press(author, "Create draft");
      await page.getByText("Use small letters, digits and single hyphens").waitFor();
      await author.shoot("article-new");
      await page.getByLabel("Address").fill(SLUG);
      await press(author, "Create draft");
      await page.waitForURL(EDIT);
      expect(await page.getByRole("button", { name: "Publish now" }).count()).toBe(0);
      await publish();
      const other = await Visitor.arrive();
      await other.signIn("reader@example.com");
      expect((await other.page.goto(EDIT))?.status()).toBe(404);
    });

    it("changes a public page once its region has the change, within a second of that", async () => {
      const { databases, web } = theWorld();
      await stranger.viewFrom("Dublin");
      const page = () => stranger.page.request.get(`${web}/content/${SLUG}`);
      await waitFor(async () => (await page()).ok(), { what: "the first version in Dublin" });
      await author.page.goto(EDIT);
      await saveText(author, "Twice a day, nearly.");
      await publish();
      const has = async () => {
        const [row] = await databases.rows<{ body: string }>(
          "eu-west-1",
          `SELECT v.body FROM "ContentItem" i JOIN "ContentVersion" v ON v.id = split_part(i.live, ' ', 2)
           WHERE i.id = $1`,
          [SLUG],
        );
        return row?.body === "Twice a day, nearly.";
      };
      await waitFor(has, { what: "the change in Dublin's database", intervalMs: 5 });
      const appliedMs = performance.now();
      await waitFor(async () => (await (await page()).text()).includes("Twice a day, nearly."), {
        what: "the change on Dublin's page",
        intervalMs: 5,
      });
      const lateMs = performance.now() - appliedMs;
      process.stdout.write(`A public page in Dublin followed after ${Math.round(lateMs)} ms.\n`);
      expect(lateMs).toBeLessThan(1_000);
      const answer = await stranger.page.request.get(`${web}/api/content/${SLUG}`);
      expect(await answer.json()).toMatchObject({
        article: { id: SLUG, body: "Twice a day, nearly." },
        receipt: { regionId: "eu-west-1", fromCache: true, current: true },
      });
    });

    it("keeps both texts of two editors who could not hear each other", async () => {
      await author.page.goto(EDIT);
      await reviewer.page.goto(EDIT);
      await theWorld().databases.settled();
      await withCut(PARTED, async () => {
        await saveText(author, HERS);
        await saveText(reviewer, HIS);
      });
      await theWorld().databases.settled();
      await author.page.goto(EDIT);
      await author.page.getByText("Two versions wait for a decision.").waitFor();
      expect(await author.page.getByRole("button", { name: "Send for review" }).count()).toBe(0);
      await author.shoot("article-undecided");
      // What is public is what was published.
      await stranger.page.goto(`/content/${SLUG}`);
      await stranger.page.getByText("Twice a day, nearly.").waitFor();
    });

    it("is decided in the page, and its history is complete and the same everywhere", async () => {
      const { page } = author;
      await page
        .getByRole("region", { name: "Conflicts" })
        .getByRole("link", { name: "Text" })
        .click();
      await page.getByRole("article").nth(0).getByText(HIS).waitFor();
      await page.getByRole("article").nth(1).getByText(HERS).waitFor();
      await page
        .getByRole("region", { name: "Differences" })
        .getByRole("textbox", { name: "Version A" })
        .waitFor();
      await author.shoot("article-conflict");
      expect(await violations(page)).toEqual([]);
      await page.locator("summary", { hasText: "Write something else" }).click();
      await page.getByLabel("What it shall be").fill(BOTH);
      await press(author, "Save this");
      await page.getByRole("status").filter({ hasText: "Decided." }).waitFor();
      await page.getByRole("link", { name: "Open the article" }).click();
      await page.waitForURL(EDIT);
      await page.getByText("Nothing waits for you").waitFor();
      expect(await page.getByLabel("Text", { exact: true }).inputValue()).toBe(BOTH);
      await theWorld().databases.settled();
      const histories = await Promise.all(
        REGIONS.map((region) =>
          theWorld().databases.rows<{ row: unknown; action: string; body: string }>(
            region,
            `SELECT to_jsonb(v) AS row, action, body FROM "ContentVersion" v
             WHERE "contentId" = $1 ORDER BY "createdAt", id`,
            [SLUG],
          ),
        ),
      );
      for (const history of histories) expect(history).toEqual(histories[0]);
      const [history = []] = histories;
      expect(history.at(-1)).toMatchObject({ action: "resolved", body: BOTH });
      for (const text of [HERS, HIS]) expect(history.map(({ body }) => body)).toContain(text);
      await page.goto(`${EDIT}/versions`);
      expect(await page.locator("li[data-version]").count()).toBe(history.length);
      await author.shoot("article-history");
      await page.locator("summary", { hasText: "Created" }).click();
      await page
        .locator("li", { hasText: "Twice a day." })
        .last()
        .getByRole("button", { name: "Restore this version" })
        .click();
      await page.waitForURL(EDIT);
      expect(await page.getByLabel("Text", { exact: true }).inputValue()).toBe("Twice a day.");
    });

    it("is scheduled, and published when it is due by the leader", async () => {
      await author.page.goto(EDIT);
      await press(author, "Send for review");
      await author.page.locator('[data-status="in-review"]').waitFor();
      const { page } = reviewer;
      await page.goto(EDIT);
      await page.getByLabel("Publish at (UTC)").fill("2020-01-01T00:00:00");
      await press(reviewer, "Schedule");
      await page.getByText("That time has passed.").waitFor();
      await page
        .getByLabel("Publish at (UTC)")
        .fill(new Date(Date.now() + 8_000).toISOString().slice(0, 19));
      await press(reviewer, "Schedule");
      await page.getByText("Due", { exact: true }).waitFor();
      await reviewer.shoot("article-scheduled");
      await stranger.page.goto(`/content/${SLUG}`);
      await stranger.page.getByText("Twice a day, nearly.").waitFor();
      await waitFor(
        async () => {
          await stranger.page.reload();
          return (await stranger.page.getByText("Twice a day.", { exact: true }).count()) === 1;
        },
        { what: "the scheduled version on Dublin's page", timeoutMs: 30_000 },
      );
    });

    it("is sent to all regions once more for an administrator, who is told what was done", async () => {
      const { page } = reviewer;
      await page.goto(EDIT);
      await page.getByLabel("Send again from").selectOption({ label: "Dublin" });
      await press(reviewer, "Send to all regions");
      await page
        .getByText(/Dublin wrote the article and \d+ versions of its history anew/)
        .waitFor();
    });

    it(
      "has no serious violation for axe, in light and dark, nor is wider than a telephone",
      { timeout: 2 * TEST_TIMEOUT_MS },
      async () => {
        const visits: [Visitor, string, string][] = [
          [stranger, "/content", "public-list"],
          [stranger, `/content/${SLUG}`, "public"],
          [stranger, "/content/nothing-here", "missing"],
          [author, "/content/manage", "managed"],
          [author, "/content/manage/new", "new"],
          [reviewer, EDIT, "edit"],
          [author, `${EDIT}/versions`, "history"],
        ];
        for (const [visitor, path, name] of visits) {
          const { page } = visitor;
          await page.goto(path);
          for (const colorScheme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme });
            await visitor.shoot(`content-${name}-${colorScheme}`);
            expect(await violations(page), `${name}, ${colorScheme}`).toEqual([]);
          }
          await page.emulateMedia({ colorScheme: "light" });
          await page.setViewportSize({ width: 360, height: 740 });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          expect(wide, name).toBeLessThanOrEqual(360);
        }
      },
    );
  });
}

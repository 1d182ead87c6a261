import { afterAll, describe, expect, it } from "vitest";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { waitFor } from "@/__tests__/support/wait-for";
import { violations } from "./accessibility";

export function residencySuite(): void {
  describe("residency", { timeout: TEST_TIMEOUT_MS }, () => {
    afterAll(everyoneLeaves);

    it("keeps a document in Dublin, serves it to Singapore, and moves it there", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("reader@example.com");
      await visitor.viewFrom("Singapore");
      await page.goto("/documents/new");
      await page.getByLabel("Title").fill("Kept in Dublin");
      await page.getByLabel("Content").fill("Only there.");
      await page.getByLabel("Kept in").selectOption("eu");
      await page.getByRole("button", { name: "Create document" }).click();
      await page.getByRole("heading", { level: 1, name: "Kept in Dublin" }).waitFor();
      await page.getByText("written where it is kept").waitFor();
      // The first answer may have come from Dublin for being newer; Singapore never has it.
      await waitFor(
        async () => {
          await page.reload();
          return (await page.getByText("served across, it is kept there").count()) > 0;
        },
        { timeoutMs: 20_000, what: "the document to be served across" },
      );
      const id = new URL(page.url()).pathname.split("/").at(-1)!;
      // In a list of a region that must not have it, it is known by its id.
      await page.goto("/documents");
      await page.getByRole("link", { name: `Document ${id}` }).waitFor();
      expect(await page.getByText("Kept in Dublin").count()).toBe(0);
      await visitor.shoot("kept-elsewhere");
      expect(await violations(page)).toEqual([]);

      await page.goto("/residency");
      const verdict = (region: string) =>
        page.locator(`li[id="${id}"] [data-presence="${region}"] td`).allTextContents();
      expect(await verdict("ap-southeast-1")).toEqual(["0", "0", "as it should be"]);
      expect((await verdict("eu-west-1")).at(-1)).toBe("as it should be");
      await visitor.shoot("residency");
      expect(await violations(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 740 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(360);
      await visitor.shoot("residency-360");
      await page.setViewportSize({ width: 1440, height: 900 });

      await page.goto(`/documents/${id}`);
      await page.getByLabel("Kept in").selectOption("ap");
      await page.getByRole("button", { name: "Keep it there" }).click();
      await page.getByText("It is kept in AP now.").waitFor();
      await waitFor(
        async () => {
          await page.goto("/residency");
          return (await verdict("eu-west-1")).join() === "0,0,as it should be";
        },
        { timeoutMs: 20_000, what: "the document to have left Dublin" },
      );
      await page.goto("/documents");
      await page.getByRole("link", { name: "Kept in Dublin" }).waitFor();
    });

    it("keeps an article in Dublin, and serves it across to the public of Singapore", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("admin@example.com");
      await visitor.viewFrom("Singapore");
      await page.goto("/content/manage/new");
      await page.getByLabel("Title").fill("An article of Dublin");
      await page.getByLabel("Address").fill("of-dublin");
      await page.getByLabel("Text").fill("Only there.");
      await page.getByLabel("Kept in").selectOption("eu");
      await page.getByRole("button", { name: "Create draft" }).click();
      await visitor.heading("An article of Dublin").waitFor();
      await page.getByRole("button", { name: "Send for review" }).click();
      await page.getByRole("button", { name: "Publish now" }).click();
      await page.getByRole("button", { name: "Archive" }).waitFor();
      await visitor.shoot("article-of-dublin");
      expect(await violations(page)).toEqual([]);
      // The first answers may come from Dublin, for being newer.
      await waitFor(
        async () => {
          await page.goto("/content/manage");
          return (await page.getByRole("link", { name: "Article of-dublin" }).count()) === 1;
        },
        { timeoutMs: 20_000, what: "the list to be Singapore's own" },
      );
      expect(await page.getByText("An article of Dublin").count()).toBe(0);

      await page.goto("/content/of-dublin");
      await page.getByText("Only there.").waitFor();
      await page.getByText("must not have this article").waitFor();
      await visitor.shoot("article-across");
      expect(await violations(page)).toEqual([]);
      await page.goto("/content");
      expect(await page.getByText("An article of Dublin").count()).toBe(0);
      await visitor.viewFrom("Dublin");
      await page.goto("/content");
      await page.getByRole("link", { name: "An article of Dublin" }).waitFor();

      await page.goto("/residency");
      const verdict = (region: string) =>
        page.locator(`li[id="of-dublin"] [data-presence="${region}"] td`).allTextContents();
      expect(await verdict("us-east-1")).toEqual(["0", "0", "as it should be"]);
      expect((await verdict("eu-west-1")).at(-1)).toBe("as it should be");

      await page.goto("/content/manage/of-dublin");
      await page.getByLabel("Kept in").selectOption("");
      await page.getByRole("button", { name: "Keep it there" }).click();
      await page.getByText("Every region may have it now, and gets it.").waitFor();
      await waitFor(
        async () => {
          await page.goto("/residency");
          return (await page.locator('li[id="of-dublin"]').count()) === 0;
        },
        { timeoutMs: 20_000, what: "the article to be kept nowhere in particular" },
      );
      await visitor.viewFrom("Singapore");
      await waitFor(
        async () => {
          await page.goto("/content");
          return (await page.getByRole("link", { name: "An article of Dublin" }).count()) === 1;
        },
        { timeoutMs: 20_000, what: "the article to be in Singapore" },
      );
    });

    it("keeps a person in Dublin, who signs in everywhere and is not named elsewhere", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      const person = { email: "kept-in-dublin@example.com", password: "a long password" };
      await page.goto("/sign-up");
      await page.getByLabel("Name").fill("Grace of Dublin");
      await page.getByLabel("E-mail address").fill(person.email);
      await page.getByLabel("Password").fill(person.password);
      await page.getByLabel("Kept in").selectOption("eu");
      await visitor.shoot("sign-up-kept");
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Create account" }).click();
      await page.waitForURL("/documents");
      const id = await visitor.createDocument("Of somebody", "Shared with a reader.");
      await visitor.openDocument(id);
      await visitor.share("reader@example.com", "view");

      // From where the name must not be, the same person.
      await visitor.viewFrom("Singapore");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("banner").getByRole("link", { name: "Sign in" }).waitFor();
      await visitor.signIn(person.email, person.password);
      await page.getByRole("link", { name: "Grace of Dublin" }).click();
      await visitor.heading("Account").waitFor();
      await page.getByText(/^Somebody [0-9a-f]{6}, where your name is not kept$/).waitFor();
      const verdict = (region: string) =>
        page.locator(`[data-presence="${region}"] td`).allTextContents();
      expect(await verdict("us-east-1")).toEqual(["0", "0", "as it should be"]);
      expect(await verdict("ap-southeast-1")).toEqual(["0", "0", "as it should be"]);
      expect((await verdict("eu-west-1"))[0]).toBe("1");
      await visitor.shoot("account");
      expect(await violations(page)).toEqual([]);

      const reader = await Visitor.arrive();
      await reader.signIn("reader@example.com");
      const owner = async (city: string) => {
        await reader.viewFrom(city);
        await reader.page.goto(`/documents/${id}`);
        await reader.heading("Of somebody").waitFor();
        return reader.page.getByRole("main").innerText();
      };
      expect(await owner("Virginia")).not.toContain("Grace");
      await waitFor(async () => (await owner("Dublin")).includes("Grace of Dublin"), {
        timeoutMs: 20_000,
        what: "Dublin to have the document, and to name its owner",
      });

      await page.goto("/account");
      await page.getByLabel("Kept in").selectOption("ap");
      await page.getByRole("button", { name: "Keep it there" }).click();
      await page.getByText("kept in AP now").waitFor();
      await waitFor(
        async () => {
          await page.goto("/account");
          return (await verdict("eu-west-1")).join() === "0,0,as it should be";
        },
        { timeoutMs: 20_000, what: "the person to have left Dublin" },
      );
      await page.getByText("Grace of Dublin", { exact: true }).first().waitFor();
    });

    it("is nobody's business who is not signed in", async () => {
      const { page } = await Visitor.arrive();
      await page.goto("/residency");
      expect(new URL(page.url()).pathname).toBe("/sign-in");
    });
  });
}

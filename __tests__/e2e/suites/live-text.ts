import { afterAll, describe, expect, it } from "vitest";
import { withCut } from "@/__tests__/e2e/support/faults";
import { LiveText } from "@/__tests__/e2e/support/live-text";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";

const PARTED = ["us-east-1", "ap-southeast-1"] as const;
const CONTENT = "Harbour log\nWind from the west.";

export function liveTextSuite(): void {
  describe("one text, two people, two regions", { timeout: TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let owner: Visitor;
    let editor: Visitor;
    let documentId: string;
    let [here, there]: LiveText[] = [];
    afterAll(everyoneLeaves);

    async function sameEverywhere(): Promise<string> {
      const text = await here!.text();
      expect(await there!.text()).toBe(text);
      await theWorld().databases.documentBecomes(documentId, { content: text });
      return text;
    }

    /** How long until both editors show all of these, in ms. */
    async function arrival(texts: readonly string[], since: number): Promise<number> {
      const all = (text: string) => texts.every((part) => text.includes(part));
      await Promise.all([here!, there!].map((live) => live.becomes(all, texts.join(" and "))));
      const ms = Math.round(performance.now() - since);
      // The last edits of each may still be on their way to the other.
      await Promise.all([here!.ready(), there!.ready()]);
      return ms;
    }

    it("opens in Virginia and in Singapore, and names the other", async () => {
      owner = await Visitor.arrive();
      await owner.signUp({
        name: "Ada",
        email: "ada@example.org",
        password: "a long enough secret",
      });
      documentId = await owner.createDocument("Harbour log", CONTENT);
      await owner.share("reader@example.com", "edit");

      editor = await Visitor.arrive();
      await editor.signIn("reader@example.com");
      await editor.viewFrom("Singapore");
      await theWorld().databases.documentBecomes(documentId, { content: CONTENT });
      await editor.openDocument(documentId);
      [here, there] = [new LiveText(owner.page), new LiveText(editor.page)];
      await Promise.all([here.ready(), there.ready()]);
      expect(await here.text()).toBe(CONTENT);
      expect(await there.text()).toBe(CONTENT);
      await here.says("saved", /Also here: Reader \(\s*Singapore\)/);
      await there.says("saved", /Also here: Ada \(\s*Virginia\)/);
      await owner.shoot("live-owner");
    });

    it("shows each what the other types", async () => {
      const started = performance.now();
      await here!.type("end", "\nTyped by Ada.", 20);
      const ms = await arrival(["Typed by Ada."], started);
      console.info(`From the first letter in Virginia to the text in Singapore: ${ms} ms.`);
      await here!.says("saved", "Saved in Virginia");
      await sameEverywhere();
    });

    it("keeps what both type while the regions hear nothing of each other", async () => {
      const [mine, theirs] = ["Ada wrote this at the top. ", " Reader wrote this below."];
      const healed = await withCut(PARTED, async () => {
        await Promise.all([here!.type("start", mine), there!.type("end", theirs)]);
        // Each region takes its own, and says no more than that.
        await here!.says("saved", "Saved in Virginia");
        await there!.says("saved", "Saved in Singapore");
        await Promise.all([
          here!.type("start", "More of hers. "),
          there!.type("end", " More below."),
        ]);
        await here!.says("saved", "Saved in Virginia");
        await there!.says("saved", "Saved in Singapore");
        expect(await here!.text()).toMatch(/^More of hers\. Ada wrote this at the top\. Harbour/);
        expect(await here!.text()).not.toContain("below");
        expect(await there!.text()).toMatch(/Reader wrote this below\. More below\.$/);
        expect(await there!.text()).not.toContain("hers");
        await owner.shoot("live-parted-owner");
        await editor.shoot("live-parted-editor");
        return performance.now();
      });
      const parts = [mine, theirs, "More of hers. ", " More below."];
      const ms = await arrival(parts, healed);
      console.info(`From the healed links to both texts in both browsers: ${ms} ms.`);
      const text = await sameEverywhere();
      for (const part of parts) expect(text.split(part)).toHaveLength(2);
      await editor.shoot("live-healed-editor");
    });

    it("keeps what is typed without a network, and merges it", async () => {
      await editor.context.setOffline(true);
      await there!.type("end", "\nWritten offline.", 20);
      await there!.says("offline", /Offline: \d+ edits kept here\./);
      await here!.type("start", "Written meanwhile. ", 20);
      await here!.says("saved", "Saved in Virginia");
      expect(await there!.text()).not.toContain("meanwhile");
      await editor.shoot("live-offline");
      await editor.context.setOffline(false);
      const ms = await arrival(["Written offline.", "Written meanwhile. "], performance.now());
      console.info(`From online again to both texts in both browsers: ${ms} ms.`);
      await there!.says("saved", "merged with what others wrote");
      await sameEverywhere();
      await editor.shoot("live-online-again");
    });

    it("keeps what was typed offline in a page that was closed", async () => {
      const { page } = editor;
      await editor.context.setOffline(true);
      await there!.type("end", "\nBefore closing.", 20);
      await there!.says("offline", /kept here/);
      await page.goto("about:blank");
      await editor.context.setOffline(false);
      await page.goto(`/documents/${documentId}`);
      there = new LiveText(page);
      await arrival(["Before closing."], performance.now());
      await sameEverywhere();
    });

    it("adds nothing twice that was saved before the editor was there", async () => {
      const { page } = owner;
      const text = await here!.text();
      let saved = () => {};
      const beingSaved = new Promise<void>((resolve) => (saved = resolve));
      let opened = () => {};
      const answered = new Promise<void>((resolve) => (opened = resolve));
      // The editor gets the text of before, once the plain field has been sent and not answered.
      await page.route("**/text?*", async (route) => {
        const response = await route.fetch();
        await beingSaved;
        await route.fulfill({ response });
        opened();
      });
      await page.route(`**/documents/${documentId}`, async (route) => {
        if (route.request().method() !== "POST") return route.fallback();
        const response = await route.fetch();
        saved();
        await answered;
        await route.fulfill({ response });
      });
      await page.goto(`/documents/${documentId}`);
      await page.locator("main").getByLabel("Content").fill(`${text}\nOnce.`);
      await owner.save();
      await page.unrouteAll({ behavior: "ignoreErrors" });
      await here!.ready();
      const shown = await here!.becomes((now) => now.includes("Once."), "what was saved");
      expect(shown).toBe(`${text}\nOnce.`);
      await there!.becomes((now) => now === shown, "the same in Singapore");
      await sameEverywhere();
    });

    it("saves a version of what is in the editor, with the keyboard", async () => {
      const { page } = owner;
      await here!.type("end", "\nKept as a version.", 0);
      // "Saved." may still stand there from the save before.
      const answered = owner.answerToForm();
      await page.keyboard.press("Control+s");
      await answered;
      await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
      const text = await here!.text();
      await page.getByRole("link", { name: /^History/ }).click();
      await owner.heading("History of Harbour log").waitFor();
      expect(await page.getByRole("main").locator("li pre").first().textContent()).toBe(text);
      await page.goBack();
    });

    it("shows the text to somebody who may only read, as it is written", async () => {
      await owner.openDocument(documentId);
      here = new LiveText(owner.page);
      await here.ready();
      await owner.share("writer@example.com", "view");
      const viewer = await Visitor.arrive();
      await viewer.signIn("writer@example.com");
      await viewer.page.goto(`/documents/${documentId}`);
      await viewer.page.getByRole("article").getByText("Kept as a version.").waitFor();
      await here.type("end", "\nSeen at once.", 20);
      await viewer.page.getByRole("article").getByText("Seen at once.").waitFor();
      await viewer.shoot("live-viewer");
      await viewer.leave();
    });
  });
}

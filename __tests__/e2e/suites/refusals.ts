import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { CONTENT_MAX, TITLE_MAX } from "@/lib/documents/types";

const SQL = `'); DROP TABLE "Document"; SELECT ('`;
const HTML = `<img src="/x" onerror="window.owned=1"><script>window.owned=1</script><b>bold</b>`;

/** Fails if any region's tables are different afterwards. */
async function writesNothing(act: () => Promise<void>): Promise<void> {
  const { databases } = theWorld();
  const before = await databases.settled();
  await act();
  expect(await databases.settled(), "what the databases hold").toBe(before);
}

export function refusalsSuite(): void {
  describe("what is refused writes nothing and says why", { timeout: TEST_TIMEOUT_MS }, () => {
    let visitor: Visitor;
    let documentId: string;

    beforeAll(async () => {
      visitor = await Visitor.arrive();
      await visitor.signUp({
        name: HTML.slice(0, 80),
        email: "odd@example.org",
        password: "a long enough secret",
      });
      documentId = await visitor.createDocument("Mine", "Something.");
    });
    afterAll(everyoneLeaves);

    /** Sends the form with these values as a client would that ignores the page's limits. */
    async function send(button: string, values: Record<string, string>): Promise<void> {
      const form = visitor.page.locator("form", {
        has: visitor.page.getByRole("button", { name: button, exact: true }),
      });
      for (const [name, value] of Object.entries(values)) {
        await form.locator(`[name="${name}"]`).evaluate((node, text) => {
          const field = node as HTMLInputElement;
          field.removeAttribute("maxlength");
          field.value = text;
        }, value);
      }
      const answered = visitor.answerToForm();
      await form.getByRole("button", { name: button, exact: true }).click();
      await answered;
      // Until the answer is shown, the page still shows the one before it.
      await visitor.page.locator("button[aria-disabled]").waitFor({ state: "detached" });
    }

    const complaint = (text: string | RegExp) => visitor.page.getByText(text).first().waitFor();

    it("a title or content that is missing or too long", async () => {
      const { page } = visitor;
      await writesNothing(async () => {
        await page.goto("/documents/new");
        await send("Create document", { title: "", content: " \n " });
        await complaint("Give the document a title.");
        await complaint("Write something first: a document can't be empty.");
        const title = page.getByLabel("Title");
        expect(await title.getAttribute("aria-invalid")).toBe("true");
        await visitor.shoot("refused-empty");

        await send("Create document", { title: "t".repeat(TITLE_MAX + 1), content: "Kept." });
        await complaint(`A title is at most ${TITLE_MAX} characters long.`);
        expect(await page.getByLabel("Content").inputValue()).toBe("Kept.");
        await visitor.shoot("refused-title");

        await send("Create document", { title: "Fine", content: "c".repeat(CONTENT_MAX + 1) });
        await complaint("A document is at most 100,000 characters long.");

        await visitor.openDocument(documentId);
        await send("Save", { title: "t".repeat(TITLE_MAX + 1) });
        await complaint(`A title is at most ${TITLE_MAX} characters long.`);
        await send("Save", { title: "Mine", content: "" });
        await complaint("Write something first: a document can't be empty.");
        expect(await page.getByText("Saved.").count()).toBe(0);
      });
    });

    it("an address to share with that is none, unknown or one's own", async () => {
      await writesNothing(async () => {
        await visitor.openDocument(documentId);
        for (const email of [SQL, HTML, "nobody"]) {
          await send("Share", { email });
          await complaint("That is not an e-mail address.");
          expect(await visitor.page.getByLabel("Share with").inputValue()).toBe(email);
        }
        await visitor.shoot("refused-address");
        await send("Share", { email: "nobody@example.org" });
        await complaint("Nobody has an account with that e-mail address.");
        await send("Share", { email: "odd@example.org" });
        await complaint("That is you.");
      });
    });

    it("ids that are SQL, HTML, unknown or not even an id", async () => {
      const { page } = visitor;
      await writesNothing(async () => {
        const unknown = "00000000-0000-4000-8000-000000000000";
        const ids = [unknown, SQL, HTML, "' OR 1=1 --", "x".repeat(101), "\0"];
        for (const segment of ids.map(encodeURIComponent)) {
          for (const path of [`/documents/${segment}`, `/documents/${segment}/versions`]) {
            const response = await page.goto(path);
            expect(response?.status(), path).toBe(404);
          }
        }
        expect((await page.goto("/documents/%FF"))?.status()).toBe(400);
        await page.goto(`/documents/${unknown}`);
        await visitor.heading("Not found").waitFor();
        await visitor.shoot("not-found");

        for (const id of [unknown, SQL, HTML]) {
          await visitor.openDocument(documentId);
          await send("Save", { documentId: id, title: "Forged" });
          await complaint("There is no such document, or it is not shared with you.");
        }
        await send("Save", { documentId, baseVersion: SQL });
        await complaint("The base version is not a version of this document. Reload the page.");
      });
    });

    it("someone else's document, for every operation", async () => {
      const { page } = visitor;
      const theirs = "demo-reading-list";
      const none = "There is no such document, or it is not shared with you.";
      await writesNothing(async () => {
        for (const path of [`/documents/${theirs}`, `/documents/${theirs}/versions`]) {
          const response = await page.goto(path);
          expect(response?.status(), path).toBe(404);
          expect(await page.content()).not.toContain("Reading list");
        }
        await visitor.openDocument(documentId);
        await send("Save", { documentId: theirs, title: "Forged" });
        await complaint(none);
        expect(await page.content()).not.toContain("Reading list");
        await visitor.shoot("refused-someone-elses");
        await visitor.openDocument(documentId);
        await send("Share", { documentId: theirs, email: "odd@example.org" });
        await complaint(none);
        await visitor.openDocument(documentId);
        await page.locator("summary", { hasText: "Delete document" }).click();
        await send("Delete it", { documentId: theirs });
        await complaint(none);
      });
    });

    it("a change by somebody who may only read", async () => {
      const owner = visitor;
      visitor = await Visitor.arrive();
      await visitor.signIn("writer@example.com");
      await writesNothing(async () => {
        await visitor.openDocument("demo-start-here");
        await send("Save", { documentId: "demo-reading-list", title: "Forged" });
        await complaint("You can read this document, but only an editor can change it.");
      });
      await visitor.leave();
      visitor = owner;
    });

    it("accounts that are malformed, taken or injected", async () => {
      const owner = visitor;
      visitor = await Visitor.arrive();
      const { page } = visitor;
      const password = "a long enough secret";
      await writesNothing(async () => {
        await page.goto("/sign-up");
        await send("Create account", { name: "", email: SQL, password: "short" });
        await complaint("Say what to call you.");
        await complaint("That is not an e-mail address.");
        await complaint("A password is at least 10 characters long.");
        await visitor.shoot("refused-account");
        await send("Create account", { name: "n".repeat(81), email: HTML, password });
        await complaint("A name is at most 80 characters long.");
        await send("Create account", { name: "Maren", email: "WRITER@example.com ", password });
        await complaint("There is already an account with that e-mail address.");
        await page.goto("/sign-in");
        for (const email of ["' OR '1'='1", SQL, HTML, "writer@example.com"]) {
          await send("Sign in", { email, password: "' OR '1'='1" });
          await complaint("That e-mail address and password don't belong together.");
        }
        await visitor.shoot("refused-sign-in");
      });
      await visitor.leave();
      visitor = owner;
    });

    it("but SQL and HTML are text like any other", async () => {
      const { page } = visitor;
      const { databases } = theWorld();
      const id = await visitor.createDocument(`${HTML} ${SQL}`, `${HTML}\n${SQL}`);
      await visitor.heading(`${HTML} ${SQL}`).waitFor();
      await page.getByRole("banner").getByText(HTML.slice(0, 80)).waitFor();
      await visitor.shoot("html-as-text");
      expect(await visitor.contentShown()).toBe(`${HTML}\n${SQL}`);
      await page.goto("/documents");
      await page.getByRole("link", { name: `${HTML} ${SQL}` }).waitFor();
      await visitor.shoot("html-as-text-in-list");
      await page.goto(`/documents/${id}/versions`);
      await page.locator("pre", { hasText: SQL }).waitFor();
      await visitor.shoot("html-as-text-in-history");
      expect(await page.locator('img[src="/x"]').count()).toBe(0);
      expect(await page.evaluate(() => "owned" in window)).toBe(false);
      await databases.settled();
      const stored = await databases.document(id);
      expect(stored.map(({ title }) => title)).toEqual(Array(3).fill(`${HTML} ${SQL}`));
    });
  });
}

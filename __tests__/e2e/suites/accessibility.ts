import axe, { type AxeResults, type RunOptions } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { FAR, makeConflict, withDeadLetter } from "@/__tests__/e2e/support/conflicts";
import { LiveText } from "@/__tests__/e2e/support/live-text";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";

declare global {
  interface Window {
    axe: { run(options: RunOptions): Promise<AxeResults> };
  }
}

const MAX_STOPS = 40;

/** Pages that are looked at with their receipt open. */
const RECEIPTS = ["documents", "document"];

/** All that a second look in other colours can find. */
const OF_COLOURS: RunOptions = { runOnly: ["color-contrast", "link-in-text-block"] };

/** What a person would act on, as lines that say where. */
export async function violations(page: Page, options: RunOptions = {}): Promise<string[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate((asked) => window.axe.run(asked), options);
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

interface Stop {
  name: string;
  visible: boolean;
}

/** Presses Tab until what is focused has this name. Every stop on the way must show its focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const seen: string[] = [];
  for (let n = 0; n < MAX_STOPS; n++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate((): Stop => {
      const node = document.activeElement as HTMLElement;
      const labels = (node as HTMLInputElement).labels;
      const name =
        node.getAttribute("aria-label") ?? labels?.[0]?.textContent ?? node.textContent ?? "";
      // The live editor's is around its frame.
      const frame = node.closest(".cm-editor")?.parentElement ?? node;
      const outlined = [null, "::after"].some(
        (pseudo) => getComputedStyle(frame, pseudo).outlineStyle !== "none",
      );
      return { name: name.trim(), visible: outlined };
    });
    seen.push(stop.name);
    expect(stop.visible, `focus on "${stop.name}" can be seen`).toBe(true);
    if (typeof name === "string" ? stop.name === name : name.test(stop.name)) return;
  }
  throw new Error(`Tab does not reach ${String(name)}, only: ${seen.join(", ")}`);
}

export function accessibilitySuite(): void {
  describe("for everyone", { timeout: TEST_TIMEOUT_MS }, () => {
    afterAll(everyoneLeaves);

    it("signs in, creates and saves with the keyboard alone", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await page.goto("/sign-in");
      await tabTo(page, "Skip to content");
      await visitor.shoot("skip-link");
      await tabTo(page, "E-mail address");
      await page.keyboard.type("writer@example.com");
      await tabTo(page, "Password");
      await page.keyboard.type("meridian-demo");
      await tabTo(page, "Sign in");
      await page.keyboard.press("Enter");
      await page.waitForURL("/documents");
      // Tab goes on from an element of the sign-in page, until that is gone.
      await visitor.heading("Documents").waitFor();
      await tabTo(page, "New document");
      await page.keyboard.press("Enter");
      await visitor.heading("New document").waitFor();
      await tabTo(page, "Title");
      await page.keyboard.type("No mouse");
      await tabTo(page, "Content");
      await page.keyboard.type("Keys only.");
      await tabTo(page, "Create document");
      await page.keyboard.press("Space");
      await visitor.heading("No mouse").waitFor();
      await tabTo(page, /^Read receipt/);
      await page.keyboard.press("Enter");
      await page.getByText("Asked from").first().waitFor();
      await visitor.shoot("keyboard-receipt");
      await page.keyboard.press("Enter");
      await new LiveText(page).ready();
      await tabTo(page, "Content");
      await page.keyboard.press("End");
      await page.keyboard.type(" Still.");
      await tabTo(page, "Save");
      await page.keyboard.press("Enter");
      await page.getByText("Saved.").waitFor();
      await visitor.leave();
    });

    // Some twenty pages, twice each.
    it(
      "has no serious violation for axe, in light and dark",
      { timeout: 3 * TEST_TIMEOUT_MS },
      async () => {
        const stranger = await Visitor.arrive();
        const admin = await Visitor.arrive();
        await admin.signIn("admin@example.com");
        const own = await admin.createDocument("For axe", "Contents.");
        const conflict = await makeConflict(own, ["As one saw it", "As the other saw it"]);
        const row = `region=${FAR}&entity=Document&id=${own}`;
        const live = '[data-live="saved"]';
        const differences = ".cm-mergeView .cm-line";
        /** Who looks at what, under which name, and what comes by a script. */
        const visits: [Visitor, string, string, string?][] = [
          [stranger, "/", "front-page"],
          [stranger, "/sign-in", "sign-in"],
          [stranger, "/sign-up", "sign-up"],
          [admin, "/documents", "documents"],
          [admin, "/documents/new", "new-document"],
          [admin, `/documents/${own}`, "document", live],
          [admin, `/documents/${own}/versions`, "history"],
          [admin, "/documents/unknown", "not-found"],
          [admin, "/admin", "regions"],
          [admin, "/admin/audit", "audit"],
          [admin, "/admin/lab", "fault-lab", "[data-region][data-leads]"],
          [admin, "/admin/conflicts", "conflicts"],
          [admin, "/admin/conflicts?entity=User", "conflicts-none"],
          [admin, `/admin/conflicts/${conflict}`, "conflict", differences],
          [admin, `/conflicts/${conflict}`, "conflict-of-the-owner", differences],
          [admin, "/admin/dead-letters", "dead-letters"],
          [admin, `/admin/dead-letters/row?${row}`, "dead-letter"],
        ];
        const found: string[] = [];
        const look = async (
          { page }: Visitor,
          name: string,
          colorScheme: string,
          options?: RunOptions,
        ) => {
          for (const violation of await violations(page, options)) {
            found.push(`${name}, ${colorScheme}: ${violation}`);
          }
        };
        await withDeadLetter(own, async () => {
          for (const colorScheme of ["light", "dark"] as const) {
            for (const [visitor, path, name, scripted] of visits) {
              const { page } = visitor;
              // Before the page, not under it: colours that change in place are seen half-way.
              await page.emulateMedia({ colorScheme });
              await page.goto(path);
              if (scripted) await page.locator(scripted).first().waitFor();
              await page.evaluate(() => {
                for (const part of document.querySelectorAll("main details:not([data-receipt])")) {
                  (part as HTMLDetailsElement).open = true;
                }
              });
              // Before the receipt is opened, which covers what is under it.
              if (colorScheme === "dark") await visitor.shoot(`dark-${name}`);
              const receipt = page.locator('[data-receipt="read"] summary').first();
              if (RECEIPTS.includes(name)) await receipt.click();
              await look(visitor, name, colorScheme, colorScheme === "dark" ? OF_COLOURS : {});
            }
          }
          await admin.page.goto(`/documents/${own}`);
          const text = new LiveText(admin.page);
          await text.ready();
          await admin.context.setOffline(true);
          await text.type("end", " Offline.", 0);
          await text.says("offline", "kept here");
          await look(admin, "offline", "dark");
          await admin.context.setOffline(false);
          await text.ready();
        });
        expect(found).toEqual([]);
      },
    );
  });
}

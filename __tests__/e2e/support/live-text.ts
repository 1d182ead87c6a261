import type { Locator, Page } from "playwright-core";
import { waitFor } from "@/__tests__/support/wait-for";

/** How long text may take from one browser to another over regions that answer. */
const ARRIVAL_MS = 20_000;

/** The live editor of the document that a page has open. */
export class LiveText {
  readonly box: Locator;
  /** Where the edits are, and who else is here. */
  readonly status: Locator;

  constructor(private readonly page: Page) {
    this.box = page.getByRole("textbox", { name: "Content" }).and(page.locator(".cm-content"));
    this.status = page.locator("[data-live]");
  }

  /** Waits until the editor has taken the place of the plain field. */
  async ready(): Promise<void> {
    await this.box.waitFor();
    await this.page.locator('[data-live="saved"]').waitFor();
  }

  /** At the beginning or the end of the text, as fast as people type who are good at it. */
  async type(where: "start" | "end", text: string, delay = 60): Promise<void> {
    await this.box.focus();
    await this.page.keyboard.press(where === "start" ? "Control+Home" : "Control+End");
    await this.page.keyboard.type(text, { delay });
  }

  /** What the eye sees; the form's own field may lag behind it. */
  text(): Promise<string> {
    return this.box
      .locator(".cm-line")
      .evaluateAll((lines) => lines.map((line) => line.textContent ?? "").join("\n"));
  }

  async becomes(wanted: (text: string) => boolean, what: string): Promise<string> {
    let seen = "";
    return waitFor(async () => wanted((seen = await this.text())) && seen, {
      what: `${what} in the editor`,
      timeoutMs: ARRIVAL_MS,
    }).catch((cause: unknown) => {
      throw new Error(`The editor shows ${JSON.stringify(seen)}.`, { cause });
    });
  }

  /** The phase, once the status says this. */
  async says(phase: string, text: string | RegExp): Promise<void> {
    await this.page.locator(`[data-live="${phase}"]`).filter({ hasText: text }).waitFor();
  }
}

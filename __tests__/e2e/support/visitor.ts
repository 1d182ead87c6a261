import path from "node:path";
import type {
  BrowserContext,
  BrowserContextOptions,
  Locator,
  Page,
  Response,
} from "playwright-core";
import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import { ARTIFACTS, theWorld } from "./world";
import { PATIENCE } from "./serverless";

export const WIDTHS = [1440, 390] as const;
const HEIGHTS: Record<(typeof WIDTHS)[number], number> = { 1440: 900, 390: 844 };

/** A fifth of the time of all suites; what fails is shown in any case. */
const PICTURES = process.env.MERIDIAN_PICTURES === "1";

const ACTION_TIMEOUT_MS = PATIENCE * 15_000;

const open = new Set<Visitor>();
let shots = 0;

/** Somebody with a browser of their own: cookies, console and all. */
export class Visitor {
  /** Uncaught errors and complaints in the console, such as of hydration. */
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on("pageerror", (error) =>
      this.complaints.push(`uncaught on ${page.url()}: ${error.message}`),
    );
    page.on("console", (message) => {
      // A page that is not found, or a region that is down on purpose, is told of by the network.
      if (message.type() !== "error" || /Failed to load resource/.test(message.text())) return;
      this.complaints.push(message.text());
    });
    page.on("dialog", (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  static async arrive(options: BrowserContextOptions = {}): Promise<Visitor> {
    const { browser, web } = theWorld();
    const context = await browser.newContext({
      baseURL: web,
      viewport: { width: WIDTHS[0], height: HEIGHTS[WIDTHS[0]] },
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(ACTION_TIMEOUT_MS);
    const visitor = new Visitor(context, await context.newPage());
    open.add(visitor);
    return visitor;
  }

  async leave(): Promise<void> {
    open.delete(this);
    await this.context.close();
  }

  async signUp(person: { name: string; email: string; password: string }): Promise<void> {
    await this.page.goto("/sign-up");
    await this.page.getByLabel("Name").fill(person.name);
    await this.page.getByLabel("E-mail address").fill(person.email);
    await this.page.getByLabel("Password").fill(person.password);
    await this.page.getByRole("button", { name: "Create account" }).click();
    await this.page.waitForURL("/documents");
  }

  /** One of the demo accounts, unless a password is given. */
  async signIn(email: string, password = "meridian-demo"): Promise<void> {
    await this.page.goto("/sign-in");
    await this.page.getByLabel("E-mail address").fill(email);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
    await this.page.waitForURL("/documents");
  }

  /** Returns the id of the document. */
  async createDocument(title: string, content: string): Promise<string> {
    await this.page.goto("/documents/new");
    await this.page.getByLabel("Title").fill(title);
    await this.page.getByLabel("Content").fill(content);
    await this.page.getByRole("button", { name: "Create document" }).click();
    await this.page.waitForURL(/\/documents\/[0-9a-f-]{36}$/);
    return new URL(this.page.url()).pathname.split("/").at(-1)!;
  }

  /** Opens a document that may be changed, and waits for its live editor. */
  async openDocument(id: string): Promise<void> {
    await this.page.goto(`/documents/${id}`);
    await this.page.locator('[data-live="saved"]').waitFor();
  }

  /** Shares the document that is open, with an account that exists. */
  async share(email: string, may: "view" | "edit"): Promise<void> {
    await this.page.getByLabel("Share with").fill(email);
    await this.page.getByLabel(`Can ${may}`).check();
    await this.page.getByRole("button", { name: "Share", exact: true }).click();
    await this.page.getByText(/^Shared with .* as (viewer|editor)\.$/).waitFor();
    await this.page.getByText(`${email} · ${may === "edit" ? "editor" : "viewer"}`).waitFor();
  }

  /** Chooses another place in the header; the page from there follows. */
  async viewFrom(city: string): Promise<void> {
    const answered = this.answerToForm();
    await this.page.getByLabel("View from").selectOption({ label: city });
    await answered;
  }

  /** Saves the document that is open, as it stands in the form. */
  async save(): Promise<void> {
    const answered = this.answerToForm();
    await this.page.getByRole("button", { name: "Save" }).click();
    await answered;
    await this.page.getByText("Saved.").waitFor();
  }

  /** The text that the form would send: what the live editor holds, or was rendered without it. */
  async contentShown(): Promise<string> {
    const field = this.page.locator('textarea[name="content"]');
    return field.evaluate((node) => (node as HTMLTextAreaElement).defaultValue);
  }

  /**
   * The clock of the version that the server rendered. What stands in the live editor may be newer:
   * it also has what was typed there.
   */
  async clockShown(): Promise<VectorClock> {
    const sent = await this.page.locator('input[name="baseVersion"]').inputValue();
    return JSON.parse(sent) as VectorClock;
  }

  /** The answer to the next form that is sent. To be asked for before sending it. */
  answerToForm(): Promise<Response> {
    return this.page.waitForResponse(
      (response) =>
        response.request().method() === "POST" &&
        response.status() < 400 &&
        // The live editor sends by itself what is typed.
        !new URL(response.url()).pathname.startsWith("/api/"),
    );
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { level: 1, name });
  }

  /** Throws if the page is wider than the screen at one of the widths. Pictures of it, if wanted. */
  async shoot(name: string): Promise<void> {
    const { page } = this;
    const number = String(++shots).padStart(2, "0");
    const wide: string[] = [];
    for (const width of [...WIDTHS].reverse()) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      if (PICTURES) {
        await page.screenshot({
          path: path.join(ARTIFACTS, `${number}-${name}-${width}.png`),
          fullPage: true,
          animations: "disabled",
        });
      }
      if ((await pageWidth(page)) > width) wide.push(`${name} is wider than ${width} px`);
    }
    if (wide.length > 0) throw new Error(wide.join("; "));
  }
}

/** Works without JavaScript in the page: a script of ours is no script of the page's. */
function pageWidth(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth);
}

/** What everybody sees at this moment, for a failure. */
export async function shootAll(test: string): Promise<void> {
  const name = test.replace(/\W+/g, "-").slice(0, 60);
  let number = 0;
  for (const { page } of open) {
    const file = path.join(ARTIFACTS, `failed-${name}-${++number}.png`);
    await page.screenshot({ path: file, fullPage: true }).catch(() => undefined);
  }
}

/** Ends all visits. Throws what their pages complained of. */
export async function everyoneLeaves(): Promise<void> {
  const visitors = [...open];
  const complaints = visitors.flatMap((visitor) => visitor.complaints);
  await Promise.all(visitors.map((visitor) => visitor.leave()));
  if (complaints.length > 0) throw new Error(`Pages complained:\n${complaints.join("\n")}`);
}

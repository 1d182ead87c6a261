import type { Locator, Page } from "playwright-core";
import { waitFor } from "@/__tests__/support/wait-for";
import { PATIENCE } from "./serverless";

/** A receipt as the page shows it. */
export interface ShownReceipt {
  /** Of the region that answered. */
  region: string;
  reason: string;
  /** Of the badge itself. */
  badge: string;
  /** City that was looked from. */
  from: string;
  /** By the name of the region that the writes are of. */
  required: Record<string, string>;
  applied: Record<string, string>;
}

/** Receipts, opened or not. */
function parse(badges: Locator): Promise<ShownReceipt[]> {
  return badges.evaluateAll((badges) =>
    badges.map((badge) => {
      const text = (node: Element | null | undefined) => node?.textContent?.trim() ?? "";
      const facts: Record<string, string> = {};
      for (const name of badge.querySelectorAll("dt")) {
        facts[text(name)] = text(name.nextElementSibling);
      }
      const columns = [...badge.querySelectorAll("thead th")].map(text);
      const shown: Record<string, Record<string, string>> = { required: {}, applied: {} };
      for (const row of badge.querySelectorAll("tbody tr")) {
        const [actor, ...values] = [...row.querySelectorAll("td")].map(text);
        values.forEach((value, index) => {
          const column = columns[index + 1] === "required" ? "required" : "applied";
          if (value !== "none") shown[column]![actor!] = value;
        });
      }
      return {
        region: badge.getAttribute("data-region") ?? "",
        reason: badge.getAttribute("data-reason") ?? "",
        badge: text(badge.querySelector("summary")),
        from: facts["Asked from"] ?? "",
        required: shown.required!,
        applied: shown.applied!,
      };
    }),
  );
}

/** The page's read receipt, once it is one that was asked from this city. */
export function readReceiptFrom(page: Page, city: string): Promise<ShownReceipt> {
  const badges = page.locator('[data-receipt="read"]');
  return waitFor(async () => (await parse(badges)).find((receipt) => receipt.from === city), {
    what: `an answer asked from ${city}`,
    timeoutMs: PATIENCE * 10_000,
  });
}

/** What stands beside "Created.", "Saved." and their like. */
export async function writeReceipt(page: Page, done: string): Promise<ShownReceipt> {
  const message = page.getByRole("status").filter({ hasText: done });
  await message.waitFor();
  const [receipt] = await parse(message.locator('[data-receipt="write"]'));
  if (!receipt) throw new Error(`"${done}" has no receipt beside it.`);
  return receipt;
}

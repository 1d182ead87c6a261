import { afterAll, describe, expect, it } from "vitest";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { ROUND } from "@/lib/gaming/round-rules";
import { ROUND_QUOTA } from "@/lib/gaming/rounds";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { violations } from "./accessibility";

const RIGHT_ANSWERS = 6;
const ROUND_OVER_MS = ROUND.readyMs + ROUND.playMs + 15_000;

/** Answers cards as they come, with the key of the region that is nearest. */
async function playByKeys({ page }: Visitor): Promise<void> {
  const card = page.locator("[data-card]");
  for (let n = 0; n < RIGHT_ANSWERS; n++) {
    await card.waitFor({ timeout: ROUND.readyMs + 10_000 });
    const nearest = await card.getAttribute("data-card");
    const key = DEFAULT_REGIONS.findIndex(({ id }) => id === nearest) + 1;
    const city = await card.textContent();
    // No faster than anybody could.
    await page.waitForTimeout(ROUND.minAnswerMs + 100);
    await page.keyboard.press(String(key));
    await page.waitForFunction(
      (before) => document.querySelector("[data-card]")?.textContent !== before,
      city,
    );
  }
}

export function leaderboardSuite(): void {
  describe("the leaderboard", { timeout: TEST_TIMEOUT_MS }, () => {
    afterAll(everyoneLeaves);

    it("is played by keyboard in Singapore, and the player's place is seen from Dublin at once", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("reader@example.com");
      await visitor.viewFrom("Singapore");
      await page.goto("/leaderboard");
      await page.getByText("You are on no board yet.").waitFor();
      await page.getByRole("button", { name: "Play a round" }).focus();
      await page.keyboard.press("Enter");
      await page.getByText("Get ready").waitFor();
      await playByKeys(visitor);
      expect(await page.locator('[data-said="wrong"]').count()).toBe(0);
      await visitor.shoot("game-playing");
      const score = page.locator("[data-score]");
      await score.waitFor({ timeout: ROUND_OVER_MS });
      const points = Number(await score.getAttribute("data-score"));
      expect(points).toBeGreaterThanOrEqual(RIGHT_ANSWERS * 100);
      await page.getByText(`${RIGHT_ANSWERS} of ${RIGHT_ANSWERS} right`).waitFor();
      const place = page.getByRole("region", { name: "Your place" });
      await place.locator('[data-standing="score"]').waitFor();
      // Another region has it on the next page, or waits until it has.
      await visitor.viewFrom("Dublin");
      await page.goto("/leaderboard");
      const own = place.locator('[data-standing="score"]');
      expect((await own.textContent())?.replaceAll(",", "")).toBe(String(points));
      await place.getByRole("row", { name: /You/ }).waitFor();
      await visitor.shoot("leaderboard");
      await page.getByRole("link", { name: "Singapore" }).click();
      await page.waitForURL("/leaderboard?region=ap-southeast-1");
      await page.locator("[data-own]").getByText("Singapore").waitFor();
    });

    it("counts a round once, in the region that began it, and no score that a browser claims", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("writer@example.com");
      await page.goto("/leaderboard");
      const post = (path: string, data: unknown) =>
        page.evaluate(
          async ([to, body]) => {
            const answer = await fetch(`/api/leaderboard/${to}`, {
              method: "POST",
              body: JSON.stringify(body),
            });
            return {
              status: answer.status,
              retryAfter: answer.headers.get("retry-after"),
              body: (await answer.json()) as Record<string, unknown>,
            };
          },
          [path, data] as const,
        );
      const begun = await post("rounds", {});
      expect(begun.status).toBe(201);
      const { id: roundId, regionId } = begun.body;
      const send = (more: object) => post("scores", { roundId, regionId, answers: [], ...more });
      expect((await send({ score: 999_999 })).status).toBe(400);
      expect((await send({ answers: [{ regionId, atMs: 14_000 }] })).status).toBe(400);
      expect((await send({ regionId: "ap-southeast-1" })).status).toBe(404);
      // Somebody else's page may not.
      const foreign = await page.request.post("/api/leaderboard/rounds", {
        headers: { origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" },
        data: {},
      });
      expect(foreign.status()).toBe(403);
      // The way there takes as long as the moment before the first card.
      await page.waitForTimeout(ROUND.readyMs + 100);
      const [first, second] = await Promise.all([send({}), send({})]);
      expect([first?.status, second?.status]).toEqual([200, 200]);
      expect([first?.body.again, second?.body.again].sort()).toEqual([false, true]);
      // Too many at once.
      const more = [await post("rounds", {})];
      while (more.at(-1)?.status === 201 && more.length <= 3 * ROUND_QUOTA.rounds) {
        more.push(await post("rounds", {}));
      }
      const limited = more.at(-1);
      expect(limited?.status).toBe(429);
      expect(Number(limited?.retryAfter)).toBeGreaterThan(0);
      await page.getByRole("button", { name: "Play a round" }).click();
      const refusal = page.getByRole("alert").filter({ hasText: "many rounds" });
      await refusal.waitFor();
      await visitor.shoot("game-limited");
    });

    it("is read by everybody, with and without JavaScript, page by page and by region", async () => {
      const stranger = await Visitor.arrive({ javaScriptEnabled: false });
      const { page } = stranger;
      await page.goto("/leaderboard");
      expect(await page.locator("[data-place]").count()).toBe(20);
      await page.getByRole("link", { name: "Sign in to play" }).waitFor();
      await page.getByRole("link", { name: "Next" }).click();
      await page.locator('[data-place="21"]').waitFor();
      await page.getByRole("link", { name: "Dublin" }).click();
      await page.locator('[data-place="1"]').waitFor();
      expect(await page.locator('[data-place="21"]').count()).toBe(0);
      const { request } = page;
      expect((await request.get("/api/leaderboard?limit=3")).status()).toBe(200);
      for (const query of ["limit=0", "limit=101", "limit=x", "region=moon-1", "colour=red"]) {
        const refused = await request.get(`/api/leaderboard?${query}`);
        expect([query, refused.status()]).toEqual([query, 400]);
      }
      expect((await request.get("/api/leaderboard/rank")).status()).toBe(401);
      expect(
        (
          await request.post("/api/leaderboard/rounds", {
            headers: { origin: theWorld().web },
          })
        ).status(),
      ).toBe(401);
      await page.setViewportSize({ width: 360, height: 740 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(360);
    });

    it("has no serious violation for axe, in light and dark, at both widths", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      await visitor.signIn("reader@example.com");
      const found: string[] = [];
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        for (const width of [1440, 390]) {
          await page.setViewportSize({ width, height: 900 });
          await page.goto("/leaderboard");
          await page.locator("[data-place]").first().waitFor();
          for (const violation of await violations(page)) {
            found.push(`${colorScheme}, ${width}: ${violation}`);
          }
        }
        await page.getByRole("button", { name: "Play a round" }).click();
        await page.locator("[data-card]").waitFor({ timeout: 15_000 });
        for (const violation of await violations(page)) {
          found.push(`${colorScheme}, playing: ${violation}`);
        }
        await visitor.shoot(`leaderboard-playing-${colorScheme}`);
        await page.goto("/leaderboard");
        await visitor.shoot(`leaderboard-${colorScheme}`);
      }
      expect(found).toEqual([]);
    });
  });
}

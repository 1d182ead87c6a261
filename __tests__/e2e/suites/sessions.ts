import { afterAll, describe, expect, it } from "vitest";
import { waitFor } from "@/__tests__/support/wait-for";
import { stepsInOrder, TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";

const PERSON = { name: "Ines", email: "ines@example.org", password: "a long enough secret" };

export function sessionsSuite(): void {
  describe("two sessions of one account", { timeout: TEST_TIMEOUT_MS }, () => {
    stepsInOrder();
    let here: Visitor;
    let there: Visitor;
    afterAll(everyoneLeaves);

    it("are both open, far from each other", async () => {
      here = await Visitor.arrive();
      await here.signUp(PERSON);
      there = await Visitor.arrive();
      await there.signIn(PERSON.email, PERSON.password);
      await there.viewFrom("Singapore");
    });

    it("end in one place for the other, and go on in it", async () => {
      const { page } = here;
      await page.goto("/account");
      await page.getByRole("button", { name: "Sign out everywhere else" }).click();
      await page.getByText("All other sessions are ended.").waitFor();
      await here.shoot("sessions-ended");
      await waitFor(async () => {
        await there.page.goto("/documents");
        return new URL(there.page.url()).pathname === "/sign-in";
      });
      await page.goto("/documents");
      expect(new URL(page.url()).pathname).toBe("/documents");
    });

    it("begin again with the password", async () => {
      await there.signIn(PERSON.email, PERSON.password);
      await there.page.getByRole("heading", { name: "No documents yet" }).waitFor();
    });
  });
}

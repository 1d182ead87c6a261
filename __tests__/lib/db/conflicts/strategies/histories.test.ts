import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { converges, history, mergingBy } from "@/__tests__/support/histories";
import { MUTANTS } from "@/__tests__/support/mutants";
import { SCENARIOS, scenarioOf } from "@/__tests__/support/scenarios";

const HISTORIES = 10_000;
const MERGING = mergingBy();

describe("random histories of 3 to 5 regions end equal everywhere, and with the declared value", () => {
  test.each(SCENARIOS)("$name", { timeout: 120_000 }, (scenario) => {
    fc.assert(
      fc.property(history, (of) => converges(scenario, MERGING, of)),
      { numRuns: HISTORIES },
    );
  });
});

describe("histories find wrong joins", () => {
  test("of each strategy", () => {
    const wrong = new Set(MUTANTS.map(({ scenario }) => scenario.split(" of the row")[0]));
    const all = SCENARIOS.map(({ name }) => name.split(" of the row")[0]);
    // A custom strategy is joined as a manual one; deletion by the last write is a register.
    expect([...wrong]).toEqual(
      expect.arrayContaining(all.filter((name) => name !== "deletion by last-write")),
    );
  });

  test.each(MUTANTS)("$name", { timeout: 60_000 }, ({ scenario, merging }) => {
    const run = () =>
      fc.assert(
        fc.property(history, (of) => converges(scenarioOf(scenario), merging, of)),
        { numRuns: HISTORIES, endOnFailure: true },
      );
    expect(run).toThrow(/Property failed after/);
  });
});
